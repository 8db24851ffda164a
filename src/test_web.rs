//! The built-in test web: sites and services on their real host names, served over HTTPS on loopback.
