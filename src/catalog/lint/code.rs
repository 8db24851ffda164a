//! The rules of the linter, what they mean and how to mend what breaks them.

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Worth mending.
    Warning,
    /// Makes results wrong.
    Error,
}

/// Declares the rules: variant, name, level, meaning, remedy.
macro_rules! codes {
    ($($variant:ident = $name:literal, $level:ident, $meaning:literal, $remedy:literal;)+) => {
        /// What is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum LintCode {
            $(#[doc = $meaning] $variant),+
        }

        impl LintCode {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in messages.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// How bad it is.
            pub const fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level),+ }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),+ }
            }

            /// How to mend it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy),+ }
            }
        }
    };
}

codes! {
    Malformed = "malformed", Error, "Not TOML, a missing key, or a value of the wrong form.",
        "see docs/add-a-service.md for the form of a value";
    UnknownKey = "unknown-key", Error, "A key or word the form does not have.",
        "use the nearest known one, or leave it out; catalog/schema/service.schema.json has them all";
    WrongId = "wrong-id", Error, "A file whose name is not the id inside.",
        "name the file after the id";
    TakenId = "taken-id", Error, "Two files with the same id.",
        "give one of them another id, or join them";
    NothingToDisable = "nothing-to-disable", Error, "Something to take away that is not there.",
        "write the id of an entry, or ID/cookie:NAME, ID/storage:NAME, ID/request:HOST";
    ShortName = "short-name", Error, "A short name without hosts takes other people's items.",
        "name the domains it may be on with `on`, or the grammar of its value with `value`";
    SameName = "same-name", Error, "Two services claim the same name in the same place.",
        "tell them apart with `on` or `value`, or keep the name in one entry";
    CoveringPattern = "covering-pattern", Warning, "A pattern takes another service's name.",
        "make the pattern longer, type its wildcard, or give it `on`";
    RepeatedItem = "repeated-item", Error, "An entry names the same item twice.",
        "keep one of them";
    UnexplainedNecessary = "unexplained-necessary", Error, "`necessary` without saying why.",
        "say what it does with `role`, or why it needs no consent with `exempt`";
    UnknownSource = "unknown-source", Error, "A source id nobody defines.",
        "add a [[source]] with that id, or use one of those at the end of the file";
    UnusedSource = "unused-source", Warning, "A source nobody refers to.",
        "name it in `src` where it is the source, or remove it";
    SameRequest = "same-request", Error, "Two services claim the same requests.",
        "give each its own path or query, or keep the host in one entry";
    CoveredHost = "covered-host", Warning, "A host below another service's host.",
        "that is right when the other service has a part that is a service of its own; otherwise remove it";
    StaleReview = "stale-review", Warning, "An entry nobody looked at for 18 months.",
        "check its facts against the sources, and set `reviewed` to today";
    UnknownService = "unknown-service", Warning, "An id without an entry.",
        "correct the id, or add the entry";
    UnknownSection = "unknown-section", Error, "A sector without a section.",
        "use an id of sections.toml, or add the section there";
    UnknownRegulation = "unknown-regulation", Error, "A law nobody defines.",
        "use an id of regulations.toml, or add the law there";
    UnknownExemption = "unknown-exemption", Error, "A ground nobody defines.",
        "use a basis of exemptions.toml, or add it there";
    BadCountry = "bad-country", Error, "No country code.",
        "write two capital letters, as ISO 3166-1 has them: `US`, `DE`";
    NameMissing = "name-missing", Error, "Neither a name nor the statement that there is none, or both.",
        "give it `name`, or `unnamed = true` when its source names none";
    UnboundRequest = "unbound-request", Error, "A rule for the site or any host that fits every path.",
        "give it `path`";
    WrongFolder = "wrong-folder", Error, "An entry in a folder of another kind.",
        "services live in services/, consent platforms in cmps/, site software in platforms/";
    EmptyRow = "empty-row", Error, "An override row without names.",
        "give it names, or remove it";
    CopiedWords = "copied-words", Error, "Eight or more words in a row that another text has too.",
        "keep the fact and say it in your own words";
}
