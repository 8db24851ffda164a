//! Renders a run: one file for each format. Pure: a report in, text out.
