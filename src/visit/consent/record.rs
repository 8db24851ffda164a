//! Consent platforms' own records: who chose what, read from cookies and storage.
