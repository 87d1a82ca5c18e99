//! Refusals on request: `POST /-/sandbox/admission {"kind": "Deployment", "message": "…"}`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::object;
use super::resource::Resource;

/// Writes of this kind are refused with this message, as an admission webhook would.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AdmissionRule {
    pub kind: String,
    pub message: String,
    /// Only in this namespace; everywhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Only the object of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Debug, Default)]
pub struct AdmissionRules(pub Vec<AdmissionRule>);

impl AdmissionRules {
    pub fn admit(&self, resource: &Resource, target: &Value) -> ApiResult<()> {
        let refused = self.0.iter().find(|rule| {
            rule.kind == resource.kind
                && rule
                    .namespace
                    .as_deref()
                    .is_none_or(|n| n == object::namespace(target))
                && rule.name.as_deref().is_none_or(|n| n == object::name(target))
        });
        match refused {
            None => Ok(()),
            Some(rule) => {
                let message = format!(
                    "admission webhook \"policy.sandbox.slipway.dev\" denied the request: {}",
                    rule.message
                );
                Err(ApiError::new(403, "Forbidden", message))
            }
        }
    }
}
