//! The questions everybody asks of a service, answered by its entry or out of its facts.

use super::{Writing, in_prose};
use crate::model::finding::Category;

/// Topic of an entry's own answers, other topics that mean the same, and the question.
const QUESTIONS: [(&str, &[&str], &str); 8] = [
    ("cookies", &[], "Which cookies does it set?"),
    ("consent-needed", &["consent"], "Does it need consent?"),
    (
        "legal-basis",
        &["basis"],
        "On which legal basis may it run?",
    ),
    (
        "transfers",
        &["transfer"],
        "Does it send data out of the EU?",
    ),
    ("dpia", &[], "Does it need an impact assessment?"),
    (
        "implementing",
        &["steps", "implementation"],
        "How is it put to use properly?",
    ),
    (
        "alternatives",
        &["alternative"],
        "What could stand in its place?",
    ),
    (
        "policy",
        &["cookie-policy"],
        "What has the cookie policy to say of it?",
    ),
];

impl Writing<'_> {
    /// Questions with their answers; those nobody can answer are left out.
    pub(super) fn questions(&self) -> Vec<(String, String)> {
        let own = |topics: &dyn Fn(&str) -> bool| {
            let faq = &self.service.faq;
            let in_language = |language: &str| {
                faq.iter().find(|faq| {
                    faq.lang.as_deref().unwrap_or("en") == language && topics(&faq.topic)
                })
            };
            in_language(self.language)
                .or_else(|| in_language("en"))
                .map(|faq| self.service.fill(&faq.answer))
        };
        let mut answered = Vec::new();
        for (topic, others, question) in QUESTIONS {
            let written = own(&|found: &str| found == topic || others.contains(&found));
            if let Some(answer) = written.or_else(|| self.by_facts(topic)) {
                answered.push((question.to_owned(), answer));
            }
        }
        let known = |topic: &str| {
            QUESTIONS
                .iter()
                .any(|(known, others, _)| *known == topic || others.contains(&topic))
        };
        let language = |faq: &&super::super::schema::Faq| {
            let written = faq.lang.as_deref().unwrap_or("en");
            written == self.language || written == "en"
        };
        let more = self.service.faq.iter().filter(language);
        answered.extend(
            more.filter(|faq| !known(&faq.topic))
                .map(|faq| (in_prose(&faq.topic), self.service.fill(&faq.answer))),
        );
        answered
    }

    /// An answer made of the entry's facts.
    fn by_facts(&self, topic: &str) -> Option<String> {
        let service = self.service;
        match topic {
            "cookies" => {
                let cookies: Vec<String> = service
                    .cookie
                    .iter()
                    .filter_map(|cookie| {
                        let name = cookie.name.as_ref()?;
                        Some(match &cookie.duration {
                            Some(duration) => format!("{name} ({duration})"),
                            None => name.to_string(),
                        })
                    })
                    .collect();
                let stored = service.storage.iter().filter_map(|entry| {
                    let name = entry.name.as_ref()?;
                    Some(format!("{name} ({} storage)", entry.area.as_str()))
                });
                let all: Vec<String> = cookies.into_iter().chain(stored).collect();
                (!all.is_empty()).then(|| format!("{}.", all.join(", ")))
            }
            "consent-needed" => Some(match service.category {
                Category::Necessary => format!(
                    "{} is there for what the visitor asked for, and needs none for that.",
                    service.name
                ),
                Category::Unclassified => {
                    "Nobody has classified it; a person has to look at what it is used for."
                        .to_owned()
                }
                category => format!(
                    "Yes, for {}: before it loads, sends or stores anything (ePrivacy Art. 5(3)), unless an exemption holds.",
                    category.as_str()
                ),
            }),
            "legal-basis" => {
                let bases: Vec<String> = service
                    .legal
                    .iter()
                    .map(|legal| {
                        let article = legal
                            .article
                            .as_ref()
                            .map_or_else(String::new, |article| format!(" ({article})"));
                        format!(
                            "{}: {}{article}",
                            in_prose(&legal.context),
                            in_prose(legal.basis.as_str())
                        )
                    })
                    .collect();
                (!bases.is_empty()).then(|| format!("{}.", bases.join("; ")))
            }
            "transfers" => {
                let countries = service.transfer_countries();
                if !countries.is_empty() {
                    let mut mechanisms: Vec<&str> = service
                        .transfer
                        .iter()
                        .flat_map(|transfer| transfer.mechanisms.iter().map(String::as_str))
                        .collect();
                    mechanisms.dedup();
                    let rests = if mechanisms.is_empty() {
                        String::new()
                    } else {
                        format!(", resting on {}", mechanisms.join(", "))
                    };
                    return Some(format!("Yes, to {}{rests}.", countries.join(", ")));
                }
                let country = service.vendor_country()?;
                Some(format!(
                    "Its vendor is in {country}; the entry names no transfers."
                ))
            }
            "dpia" => {
                let dpia = service.dpia.as_ref()?;
                let reasons = if dpia.reasons.is_empty() {
                    String::new()
                } else {
                    format!(", because of {}", super::listed(&dpia.reasons))
                };
                Some(format!(
                    "{}{reasons}.",
                    capitalised(&in_prose(dpia.level.as_str()))
                ))
            }
            "implementing" => {
                let steps = service.steps(self.language);
                (!steps.is_empty()).then(|| steps.join(" "))
            }
            "alternatives" => {
                let names: Vec<&str> = service
                    .alternative
                    .iter()
                    .map(|alternative| self.catalog.name_of(&alternative.id))
                    .collect();
                (!names.is_empty()).then(|| format!("{}.", names.join(", ")))
            }
            "policy" => service
                .text_in(self.language, |text| text.policy.as_deref())
                .map(|policy| service.fill(policy)),
            _ => None,
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
