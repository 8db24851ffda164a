//! Where a service runs, where its data go, and on what legal ground.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{Adequacy, DpiaLevel, EuResidency, LegalBasis};

/// Where a service runs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hosting {
    /// Who runs the machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Country of the servers unless something else is agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Countries where older customers may still be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legacy: Vec<String>,
    /// Whether data can stay in the EU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eu_residency: Option<EuResidency>,
    /// Regions inside the EU.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eu_regions: Vec<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// A transfer out of the EEA.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// Country, ISO 3166-1 alpha-2.
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub to: String,
    /// What makes it a transfer: `us-vendor`, `support-access` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// What it rests on: `scc`, `eu-us-dpf`, `adequacy`, `supplementary-measures` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mechanisms: Vec<String>,
    /// What the Commission has decided about the country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adequacy: Option<Adequacy>,
    /// When it happens, or when a mechanism holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// It happens even when the servers stand in the EU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applies_with_eu_residency: Option<bool>,
    /// A transfer impact assessment is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tia: Option<bool>,
    /// How closely regulators look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scrutiny: Option<String>,
    /// The particular risk, such as `us-surveillance-law`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_risk: Option<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// The legal basis in one context of use.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Legal {
    /// The context: `public-page`, `authenticated-product`, `cold-lead` …
    pub context: String,
    /// The basis.
    pub basis: LegalBasis,
    /// The article, such as `GDPR 6(1)(a)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// It must be there before the first request or write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<bool>,
    /// It must be asked for on its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separate_purpose: Option<bool>,
    /// What has to be on file: `lia`, `dpa` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// Whether an impact assessment is called for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dpia {
    /// How urgently.
    pub level: DpiaLevel,
    /// For which deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}
