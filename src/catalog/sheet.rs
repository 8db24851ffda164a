//! A service as a document: what it does, what it stores and sends, what the law makes of it, what to do.

use super::Catalog;
use super::schema::{CookieEntry, Service, StorageRule, Text};
use crate::model::finding::Category;
use crate::model::sheet::{Block, Sheet};

mod questions;

impl Catalog {
    /// Everything the catalog knows of a service, in a language where it has prose in it.
    pub fn sheet(&self, service: &Service, language: &str) -> Sheet {
        Writing {
            catalog: self,
            service,
            language,
        }
        .sheet()
    }

    /// What a service is called, or its id when there is no entry for it.
    pub(super) fn name_of<'a>(&'a self, id: &'a str) -> &'a str {
        self.service(id).map_or(id, |service| &service.name)
    }
}

/// A service and the words for it.
struct Writing<'a> {
    catalog: &'a Catalog,
    service: &'a Service,
    language: &'a str,
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A word of the catalog's files as prose: `us-vendor` becomes `us vendor`.
fn in_prose(word: &str) -> String {
    word.replace('-', " ")
}

fn listed(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| in_prose(word)).collect();
    words.join(", ")
}

impl Writing<'_> {
    fn sheet(&self) -> Sheet {
        let service = self.service;
        let mut sheet = Sheet {
            title: service.name.clone(),
            subtitle: self.subtitle(),
            language: self.language.to_owned(),
            ..Sheet::default()
        };
        let name = &service.name;
        sheet.add(
            &format!("What does {name} do?"),
            vec![
                self.prose(|text| text.summary.as_deref()),
                self.prose(|text| text.about.as_deref()),
                Block::Facts(self.vendor_facts()),
            ],
        );
        sheet.add(
            &format!("What {name} collects"),
            vec![
                self.prose(|text| text.collects.as_deref()),
                Block::Facts(self.data_facts()),
            ],
        );
        sheet.add(
            "GDPR and ePrivacy implications",
            vec![
                self.prose(|text| text.implications.as_deref()),
                Block::Facts(self.law_facts()),
            ],
        );
        sheet.add(
            "Consent and legal basis",
            vec![self.prose(|text| text.basis.as_deref()), self.legal_table()],
        );
        sheet.add(
            "Data transfers and hosting",
            vec![
                self.prose(|text| text.transfers.as_deref()),
                Block::Facts(self.hosting_facts()),
                self.transfer_table(),
            ],
        );
        sheet.add(
            "Impact assessment (DPIA)",
            vec![
                self.prose(|text| text.dpia.as_deref()),
                Block::Facts(self.dpia_facts()),
            ],
        );
        let steps = service.steps(self.language).to_vec();
        sheet.add("Practical steps", vec![Block::Steps(steps)]);
        sheet.add(
            "Sample consent text",
            vec![self.prose(|text| text.notice.as_deref())],
        );
        sheet.add(
            "For the cookie policy",
            vec![self.prose(|text| text.policy.as_deref())],
        );
        sheet.add(
            "How it shows on a page",
            vec![Block::Facts(self.detection_facts())],
        );
        sheet.add("Hosts contacted", vec![self.request_table()]);
        sheet.add("Cookies", vec![self.cookie_table()]);
        sheet.add("Also stored", vec![self.storage_table()]);
        sheet.add(
            "Questions and answers",
            vec![Block::Facts(self.questions())],
        );
        sheet.add("Alternatives", vec![Block::List(self.alternatives())]);
        let related = service.related.iter().map(|id| self.with_id(id)).collect();
        sheet.add("Related services", vec![Block::List(related)]);
        sheet.add(
            "What sources disagree about",
            vec![Block::List(self.disputes())],
        );
        sheet.add("Sources", vec![Block::List(self.sources())]);
        sheet
    }

    fn subtitle(&self) -> String {
        let service = self.service;
        let sector = self
            .catalog
            .section(&service.sector)
            .map_or(service.sector.as_str(), |section| &section.title);
        let mut parts = vec![
            service.id.clone(),
            sector.to_owned(),
            service.category.as_str().to_owned(),
        ];
        parts.extend(service.vendor_name().map(str::to_owned));
        parts.extend(service.website.clone());
        if let Some(status) = service.status {
            parts.push(status.as_str().to_owned());
        }
        parts.join(" | ")
    }

    /// A part of the prose, its placeholders filled in.
    fn prose<'t>(&'t self, part: impl Fn(&'t Text) -> Option<&'t str>) -> Block {
        let text = self.service.text_in(self.language, part);
        Block::Paragraph(text.map_or_else(String::new, |text| self.service.fill(text)))
    }

    fn with_id(&self, id: &str) -> String {
        match self.catalog.service(id) {
            Some(service) => format!("{} ({id})", service.name),
            None => id.to_owned(),
        }
    }

    fn vendor_facts(&self) -> Vec<(String, String)> {
        let mut facts = Facts::default();
        let service = self.service;
        facts.add("Also called", &service.aliases.join(", "));
        if let Some(vendor) = &service.vendor {
            let place = [vendor.city.as_deref(), vendor.country.as_deref()];
            let place: Vec<&str> = place.into_iter().flatten().collect();
            let place = if place.is_empty() {
                String::new()
            } else {
                format!(" ({})", place.join(", "))
            };
            facts.add("Vendor", &format!("{}{place}", vendor.name));
            facts.add("Developer", vendor.developer.as_deref().unwrap_or_default());
            facts.add_number("Since", vendor.founded);
            facts.add_number("Present name since", vendor.renamed);
            let owners: Vec<String> = vendor
                .owner
                .iter()
                .map(|owner| {
                    let from = owner.from.as_deref().unwrap_or("?");
                    let to = owner.to.as_deref().unwrap_or("today");
                    let disputed = if owner.disputed { ", disputed" } else { "" };
                    format!("{} ({from} to {to}{disputed})", owner.name)
                })
                .collect();
            facts.add("Owners", &owners.join("; "));
            facts.add("Markets", &vendor.markets.join(", "));
            let partners: Vec<&str> = vendor
                .integrates
                .iter()
                .map(|id| self.catalog.name_of(id))
                .collect();
            facts.add("Exchanges data with", &partners.join(", "));
        }
        facts.0
    }

    fn data_facts(&self) -> Vec<(String, String)> {
        let mut facts = Facts::default();
        if let Some(data) = &self.service.data {
            facts.add("About the visitor", &listed(&data.visitor));
            facts.add("About the site's staff", &listed(&data.agent));
            facts.add("From elsewhere", &listed(&data.other));
        }
        facts.0
    }

    fn law_facts(&self) -> Vec<(String, String)> {
        let service = self.service;
        let mut facts = Facts::default();
        facts.add("Consent category", service.category.as_str());
        facts.add("Consent", consent_in_words(service.category));
        facts.add(
            "Risk, as its source puts it",
            service.risk.map_or("", super::schema::words::Risk::as_str),
        );
        let laws: Vec<&str> = service
            .regulations
            .iter()
            .map(|id| {
                self.catalog
                    .regulation(id)
                    .map_or(id.as_str(), |law| law.title.as_str())
            })
            .collect();
        facts.add("Regulations", &laws.join("; "));
        facts.0
    }

    fn legal_table(&self) -> Block {
        let rows = self.service.legal.iter().map(|legal| {
            let mut conditions = Vec::new();
            if legal.prior == Some(true) {
                conditions.push("before the first request or write".to_owned());
            }
            if legal.separate_purpose == Some(true) {
                conditions.push("asked for on its own".to_owned());
            }
            if !legal.needs.is_empty() {
                conditions.push(format!("on file: {}", legal.needs.join(", ")));
            }
            vec![
                in_prose(&legal.context),
                in_prose(legal.basis.as_str()),
                legal.article.clone().unwrap_or_default(),
                conditions.join("; "),
            ]
        });
        Block::Table {
            columns: strings(&["Context", "Basis", "Article", "Conditions"]),
            rows: rows.collect(),
        }
    }

    fn hosting_facts(&self) -> Vec<(String, String)> {
        let mut facts = Facts::default();
        if let Some(hosting) = &self.service.hosting {
            facts.add("Runs on", hosting.provider.as_deref().unwrap_or_default());
            facts.add("Servers in", hosting.default.as_deref().unwrap_or_default());
            facts.add("Older customers in", &hosting.legacy.join(", "));
            let residency = hosting.eu_residency.map(|word| in_prose(word.as_str()));
            facts.add("EU residency", residency.as_deref().unwrap_or_default());
            facts.add("Regions in the EU", &hosting.eu_regions.join(", "));
        }
        facts.0
    }

    fn transfer_table(&self) -> Block {
        let rows = self.service.transfer.iter().map(|transfer| {
            let mut notes = Vec::new();
            notes.extend(transfer.condition.clone());
            if transfer.applies_with_eu_residency == Some(true) {
                notes.push("also with EU residency".to_owned());
            }
            if transfer.tia == Some(true) {
                notes.push("transfer impact assessment expected".to_owned());
            }
            notes.extend(
                transfer
                    .scrutiny
                    .as_ref()
                    .map(|scrutiny| format!("scrutiny: {}", in_prose(scrutiny))),
            );
            notes.extend(transfer.sub_risk.as_deref().map(in_prose));
            vec![
                transfer.to.clone(),
                listed(&transfer.why),
                listed(&transfer.mechanisms),
                transfer
                    .adequacy
                    .map_or_else(String::new, |adequacy| adequacy.as_str().to_owned()),
                notes.join("; "),
            ]
        });
        Block::Table {
            columns: strings(&["To", "Because of", "Rests on", "Adequacy", "Note"]),
            rows: rows.collect(),
        }
    }

    fn dpia_facts(&self) -> Vec<(String, String)> {
        let mut facts = Facts::default();
        if let Some(dpia) = &self.service.dpia {
            facts.add("DPIA", &in_prose(dpia.level.as_str()));
            facts.add(
                "For",
                &dpia.scope.as_deref().map(in_prose).unwrap_or_default(),
            );
            facts.add("Because of", &listed(&dpia.reasons));
        }
        facts.0
    }

    fn detection_facts(&self) -> Vec<(String, String)> {
        let mut facts = Facts::default();
        if let Some(detect) = &self.service.detect {
            facts.add("Embedded as", &listed(&detect.methods));
            facts.add("Global variables", &detect.js_globals.join(", "));
            facts.add("Elements", &detect.dom.join(", "));
        }
        if let Some(cmp) = &self.service.cmp {
            let frameworks: Vec<&str> = cmp.frameworks.iter().map(|word| word.as_str()).collect();
            facts.add("Frameworks", &frameworks.join(", "));
            facts.add_number("IAB number of the platform", cmp.tcf_id);
            facts.add("Its global variables", &cmp.js_globals.join(", "));
            facts.add(
                "Driven by the autoconsent rules",
                &cmp.autoconsent.join(", "),
            );
        }
        facts.0
    }

    fn request_table(&self) -> Block {
        let rows = self.service.request.iter().map(|rule| {
            let status = rule
                .status
                .map_or("", super::schema::words::FactStatus::as_str);
            vec![
                rule.host.to_string(),
                [rule.path_text().to_owned(), rule.query_text()]
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" "),
                rule.role
                    .map_or("", super::schema::words::RequestRole::as_str)
                    .to_owned(),
                rule.category
                    .unwrap_or(self.service.category)
                    .as_str()
                    .to_owned(),
                status.to_owned(),
            ]
        });
        Block::Table {
            columns: strings(&["Host", "Path", "What for", "Category", "Known how"]),
            rows: rows.collect(),
        }
    }

    fn cookie_table(&self) -> Block {
        let rows = self
            .service
            .cookie
            .iter()
            .map(|cookie| self.cookie_row(cookie));
        Block::Table {
            columns: strings(&["Name", "Type", "Duration", "Category", "Purpose"]),
            rows: rows.collect(),
        }
    }

    fn cookie_row(&self, cookie: &CookieEntry) -> Vec<String> {
        let party = cookie.party.map(|party| match party {
            super::schema::words::DeclaredParty::First => "first party",
            super::schema::words::DeclaredParty::Third => "third party",
            super::schema::words::DeclaredParty::Either => "first or third party",
        });
        let kinds = [
            party,
            cookie.role.map(super::schema::words::ItemRole::as_str),
            cookie.class.as_deref(),
        ];
        let kinds: Vec<&str> = kinds.into_iter().flatten().collect();
        vec![
            shown_name(
                cookie
                    .name
                    .as_ref()
                    .map(super::pattern::NamePattern::as_str),
                &cookie.on,
            ),
            kinds.join(", "),
            cookie
                .duration
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            cookie
                .category
                .unwrap_or(self.service.category)
                .as_str()
                .to_owned(),
            purpose(cookie.purpose.as_deref(), cookie.condition.as_deref()),
        ]
    }

    fn storage_table(&self) -> Block {
        let rows = self
            .service
            .storage
            .iter()
            .map(|entry| self.storage_row(entry));
        Block::Table {
            columns: strings(&["Key", "Where", "Category", "Purpose"]),
            rows: rows.collect(),
        }
    }

    fn storage_row(&self, entry: &StorageRule) -> Vec<String> {
        vec![
            shown_name(
                entry.name.as_ref().map(super::pattern::NamePattern::as_str),
                &entry.on,
            ),
            entry.area.as_str().to_owned(),
            entry
                .category
                .unwrap_or(self.service.category)
                .as_str()
                .to_owned(),
            purpose(entry.purpose.as_deref(), entry.condition.as_deref()),
        ]
    }

    fn alternatives(&self) -> Vec<String> {
        let line = |alternative: &super::schema::Alternative| {
            let country = alternative
                .country
                .as_ref()
                .map_or_else(String::new, |country| format!(", {country}"));
            let note = alternative
                .note
                .as_ref()
                .map_or_else(String::new, |note| format!(": {note}"));
            format!("{}{country}{note}", self.with_id(&alternative.id))
        };
        self.service.alternative.iter().map(line).collect()
    }

    fn disputes(&self) -> Vec<String> {
        let line = |dispute: &super::schema::Dispute| {
            let effect = dispute
                .effect
                .as_ref()
                .map_or_else(String::new, |effect| format!(" So: {effect}."));
            format!(
                "{}: one source says {}; against it, {}.{effect} ({})",
                dispute.field,
                dispute.claim,
                dispute.against,
                dispute.src.join(", ")
            )
        };
        self.service.dispute.iter().map(line).collect()
    }

    fn sources(&self) -> Vec<String> {
        let line = |source: &super::schema::Source| {
            let mut parts = vec![source.title.clone().unwrap_or_else(|| source.id.clone())];
            parts.extend(
                source
                    .version
                    .as_ref()
                    .map(|version| format!("version {version}")),
            );
            parts.extend(source.url.clone());
            parts.push(format!("rights: {}", source.rights));
            parts.extend(
                source
                    .retrieved
                    .map(|retrieved| format!("read on {}", retrieved.0)),
            );
            parts.join(", ")
        };
        let mut lines: Vec<String> = self.service.source.iter().map(line).collect();
        if let Some(reviewed) = self.service.reviewed {
            lines.push(format!("The entry was last reviewed on {}", reviewed.0));
        }
        lines
    }
}

/// What a category means for consent.
fn consent_in_words(category: Category) -> &'static str {
    match category {
        Category::Necessary => "not needed for what the visitor asked for",
        Category::Preferences | Category::Analytics | Category::Marketing => {
            "needed before it loads, unless an exemption holds"
        }
        Category::Unclassified => "a person has to decide; nobody has classified it",
    }
}

fn shown_name(name: Option<&str>, on: &[super::host::HostPattern]) -> String {
    let name = name.unwrap_or("(not named by its source)");
    if on.is_empty() {
        return name.to_owned();
    }
    let hosts: Vec<String> = on.iter().map(ToString::to_string).collect();
    format!("{name} on {}", hosts.join(", "))
}

fn purpose(purpose: Option<&str>, condition: Option<&str>) -> String {
    match (purpose, condition) {
        (Some(purpose), Some(condition)) => format!("{purpose} When: {condition}"),
        (Some(text), None) => text.to_owned(),
        (None, Some(condition)) => format!("When: {condition}"),
        (None, None) => String::new(),
    }
}

/// Facts, empty ones left out.
#[derive(Default)]
struct Facts(Vec<(String, String)>);

impl Facts {
    fn add(&mut self, name: &str, fact: &str) {
        if !fact.is_empty() {
            self.0.push((name.to_owned(), fact.to_owned()));
        }
    }

    fn add_number(&mut self, name: &str, number: Option<u16>) {
        if let Some(number) = number {
            self.add(name, &number.to_string());
        }
    }
}
