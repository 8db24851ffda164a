//! Checking a store: what of it can be read, what is damaged, what nobody names.

use super::{Digest, Store, StoreError};

/// What a check found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Runs that can be read.
    pub runs: usize,
    /// Pages that can be read.
    pub pages: usize,
    /// Pieces of evidence that are what their digests say.
    pub evidence: usize,
    /// Bytes of evidence on disk.
    pub evidence_bytes: u64,
    /// Bytes of records on disk.
    pub record_bytes: u64,
    /// Pieces of evidence that no record names, and their bytes.
    pub unnamed: (usize, u64),
    /// What is damaged.
    pub faults: Vec<Fault>,
}

/// Something that is damaged; everything else is as it was.
#[derive(Debug)]
pub struct Fault {
    /// What: a run, a page, a piece of evidence.
    pub what: String,
    /// What is wrong with it.
    pub error: StoreError,
}

impl Store {
    /// Reads everything there is and says what is damaged.
    pub fn check(&self) -> Result<Checked, StoreError> {
        let mut checked = Checked {
            record_bytes: self.records.size_on_disk()?,
            ..Checked::default()
        };
        let fault = |what: String, error: StoreError| Fault { what, error };
        for run in self.records.runs() {
            match run {
                Ok(record) => {
                    checked.runs += 1;
                    for digest in record.head.iter().chain(&record.job) {
                        self.check_named(&format!("run {}", record.id), digest, &mut checked);
                    }
                    for page in self.records.pages(&record.id) {
                        match page {
                            Ok((number, page)) => {
                                let what = format!("page {number} of run {}", record.id);
                                let before = checked.faults.len();
                                self.check_named(&what, &page.digest, &mut checked);
                                for digest in &page.objects {
                                    self.check_named(&what, digest, &mut checked);
                                }
                                checked.pages += usize::from(checked.faults.len() == before);
                            }
                            Err(error) => checked
                                .faults
                                .push(fault(format!("a page of run {}", record.id), error)),
                        }
                    }
                }
                Err(error) => checked.faults.push(fault("a run".to_owned(), error)),
            }
        }
        let (named, _) = self.named();
        for (digest, bytes) in self.objects.list()? {
            checked.evidence_bytes += bytes;
            if !named.contains(&digest) {
                checked.unnamed.0 += 1;
                checked.unnamed.1 += bytes;
            }
            match self.objects.get(&digest) {
                Ok(_) => checked.evidence += 1,
                Err(error) => checked
                    .faults
                    .push(fault(format!("evidence {}", digest.as_str()), error)),
            }
        }
        Ok(checked)
    }

    /// Whether evidence a record names is there; whether it is whole is looked at once for each piece.
    fn check_named(&self, what: &str, digest: &Digest, checked: &mut Checked) {
        if let Err(error) = self.objects.is_there(digest) {
            checked.faults.push(Fault {
                what: what.to_owned(),
                error,
            });
        }
    }
}
