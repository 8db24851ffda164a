//! The handbook of the rules, written from the registry, the profiles and the cases.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use clap::ValueEnum as _;

use crate::catalog::Catalog;
use crate::model::finding::{Certainty, Finding, Proof, Severity, Verdict};

use super::measure::{Case, Kind, measure, table};
use super::profile::Profile;
use super::rules::{self, RuleInfo};
use super::{judge_beside, naming};

/// Cases named of one rule and kind.
const MOST_NAMED: usize = 8;

/// The handbook in Markdown.
pub fn handbook(cases: &[Case], catalog: &Catalog) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _infallible = write(&mut text, cases, catalog);
    text
}

fn write(text: &mut String, cases: &[Case], catalog: &Catalog) -> fmt::Result {
    text.push_str(
        "# The rules\n\n\
         Written by `consentinel rules handbook` from the program itself; do not edit.\n\n\
         A finding is a potential violation with its evidence, no legal advice. What the words mean stands in\n\
         [Read the report](read-the-report.md).\n\n\
         ## How well they judge\n\n\
         Each rule is held against cases of which it is known what is right: something to find, nothing to find, and\n\
         traps that only look like it. Every case is judged five times: as it is, with everything in the opposite\n\
         order, with everything fifteen seconds later, with cookies and storage entries under names nobody knows, and\n\
         with the banner in a frame of another site. Without the name, R03 or R05 may speak in the place of R02. An\n\
         abstention where there is something counts as missed. A dash means that there is nothing to divide.\n\n",
    );
    text.push_str(&table(&measure(cases, catalog)));
    profiles(text)?;
    let mut by_rule: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in cases {
        by_rule.entry(&case.rule).or_default().push(case);
    }
    for info in rules::all() {
        let of_the_rule = by_rule.get(info.id).map_or(&[][..], Vec::as_slice);
        section(text, info, of_the_rule, catalog)?;
    }
    Ok(())
}

fn profiles(text: &mut String) -> fmt::Result {
    text.push_str("\n## Profiles\n\nWhat `--profile` changes, and where it is laid down.\n");
    for profile in Profile::value_variants() {
        let facts = profile.facts();
        write!(text, "\n### {}: {}\n\n", profile.name(), facts.title)?;
        writeln!(text, "Authority: {}.", facts.authority)?;
        if let Some(law) = &facts.national_law {
            writeln!(text, "National law: {law}.")?;
        }
        writeln!(
            text,
            "An identifier may live {} days. A tag manager before a choice is {}, a denied measurement {}, payment in \
             place of a refusal {}.",
            facts.identifier_longest_days,
            severity(facts.tag_manager),
            severity(facts.denied_ping),
            severity(facts.pay_or_accept),
        )?;
        if let Some(days) = facts.record_longest_days {
            writeln!(text, "The record of a choice may live {days} days.")?;
        }
        if let Some(days) = facts.refusal_shortest_days {
            writeln!(text, "A refusal holds for {days} days at least.")?;
        }
        if facts.exempt_statistics {
            writeln!(
                text,
                "First-party statistics need information and objection instead of consent, and are for review."
            )?;
        }
        if facts.closing_may_refuse {
            writeln!(
                text,
                "Closing the banner counts as refusing, if it acts so."
            )?;
        }
        text.push('\n');
        for source in &facts.source {
            let date = source
                .date
                .map_or_else(String::new, |date| format!(", {}", date.0));
            writeln!(text, "- [{}]({}){date}", source.title, source.url)?;
        }
    }
    Ok(())
}

fn section(text: &mut String, info: &RuleInfo, cases: &[&Case], catalog: &Catalog) -> fmt::Result {
    write!(
        text,
        "\n## {} {}\n\n{}.\n\n",
        info.id, info.name, info.title
    )?;
    writeln!(text, "{}\n", info.checks)?;
    writeln!(text, "| | |\n|---|---|")?;
    writeln!(text, "| severity | {} |", severity(info.severity))?;
    writeln!(text, "| proof | {} |", proof(info.proof))?;
    writeln!(text, "| certainty | {} |", certainty(info.certainty))?;
    writeln!(text, "| law | {} |", info.legal.join("; "))?;
    let needs: Vec<String> = info.needs.iter().map(ToString::to_string).collect();
    writeln!(text, "| needs | {} |", needs.join("; "))?;
    writeln!(text, "| remedy | {} |", info.remedy)?;
    if !info.limits.is_empty() {
        writeln!(text, "| limits | {} |", info.limits)?;
    }
    named(text, cases, "Found", &[Kind::Positive])?;
    named(text, cases, "Not found", &[Kind::Trap, Kind::Negative])?;
    let example = cases
        .iter()
        .filter(|case| case.kind == Kind::Positive)
        .find_map(|case| Some((*case, example(case, catalog)?)));
    if let Some((case, finding)) = example {
        write!(text, "\nExample: {}.\n\n```text\n", case.name)?;
        shown(text, &finding)?;
        text.push_str("```\n");
    }
    Ok(())
}

fn named(text: &mut String, cases: &[&Case], what: &str, kinds: &[Kind]) -> fmt::Result {
    let names: Vec<&str> = kinds
        .iter()
        .flat_map(|kind| cases.iter().filter(move |case| case.kind == *kind))
        .map(|case| case.name.as_str())
        .take(MOST_NAMED)
        .collect();
    if !names.is_empty() {
        write!(text, "\n{what}, among others:\n\n")?;
        for name in names {
            writeln!(text, "- {name}")?;
        }
    }
    Ok(())
}

fn example(case: &Case, catalog: &Catalog) -> Option<Finding> {
    judge_beside(&case.pages, &case.earlier, catalog, case.profile)
        .findings
        .into_iter()
        .find(|finding| finding.rule == case.rule)
}

fn shown(text: &mut String, finding: &Finding) -> fmt::Result {
    writeln!(text, "id        {}", finding.id)?;
    writeln!(
        text,
        "finding   {}, {}{}",
        severity(finding.severity),
        verdict(finding.verdict),
        finding
            .sub_type
            .as_ref()
            .map_or_else(String::new, |sub_type| format!(", {sub_type}"))
    )?;
    let subject = &finding.subject;
    writeln!(
        text,
        "subject   {} {} on {}",
        naming::kind_name(subject.kind),
        subject.name,
        subject.host
    )?;
    writeln!(
        text,
        "state     {}, seen in {} of {} visits",
        naming::state_name(finding.state),
        finding.seen.k,
        finding.seen.of
    )?;
    for note in &finding.evidence.notes {
        writeln!(text, "evidence  {note}")?;
    }
    writeln!(text, "remedy    {}", finding.remedy)
}

/// A severity's name in reports.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "info",
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Violation => "violation",
        Verdict::Likely => "likely",
        Verdict::Review => "review",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// A kind of proof, in words.
pub fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::P1 => "P1, the site contradicts itself",
        Proof::P2 => "P2, a known item of a known vendor",
        Proof::P3 => "P3, behaviour",
        Proof::P4 => "P4, what the banner shows",
    }
}

/// How settled the law is, in words.
pub fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::L1 => "L1, statute or Court of Justice",
        Certainty::L2 => "L2, consensus of regulators",
        Certainty::L3 => "L3, contested or best practice",
    }
}
