//! A document of headings, paragraphs, lists and tables, before it takes a format.

/// A document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Its title.
    pub title: String,
    /// One line below the title.
    pub subtitle: String,
    /// ISO 639-1 language of its prose.
    pub language: String,
    /// Its parts.
    pub sections: Vec<SheetSection>,
}

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetSection {
    /// Its heading.
    pub title: String,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

/// What a part is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Prose.
    Paragraph(String),
    /// Points in no order.
    List(Vec<String>),
    /// Points in order.
    Steps(Vec<String>),
    /// Names, each with what is said of it.
    Facts(Vec<(String, String)>),
    /// Columns with rows; every row has as many cells as there are columns.
    Table {
        /// Titles of the columns.
        columns: Vec<String>,
        /// Rows of cells.
        rows: Vec<Vec<String>>,
    },
}

impl Sheet {
    /// Adds a part unless it is empty.
    pub fn add(&mut self, title: &str, blocks: Vec<Block>) {
        let blocks: Vec<Block> = blocks
            .into_iter()
            .filter(|block| !block.is_empty())
            .collect();
        if !blocks.is_empty() {
            self.sections.push(SheetSection {
                title: title.to_owned(),
                blocks,
            });
        }
    }
}

impl Block {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Paragraph(text) => text.trim().is_empty(),
            Self::List(points) | Self::Steps(points) => points.is_empty(),
            Self::Facts(facts) => facts.is_empty(),
            Self::Table { rows, .. } => rows.is_empty(),
        }
    }
}
