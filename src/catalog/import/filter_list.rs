//! Filter lists in the syntax of EasyPrivacy.
