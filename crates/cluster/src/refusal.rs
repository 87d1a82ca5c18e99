//! What the cluster's refusals mean to Slipway.

use std::error::Error as StdError;

use kube::core::Status;
use kube::core::response::StatusCause;
use slipway_portal::ports::{ClusterError, Owned};

use crate::{CALL_TIMEOUT, guard};

/// Seconds to wait where the cluster asks to wait and does not say how long.
const RETRY_AFTER: u64 = 5;
/// The reason of a cause that names the manager of a field.
const OWNED: &str = "FieldManagerConflict";

/// Awaits a call of the port, at most for the time that one may take.
pub async fn in_time<T>(call: impl Future<Output = Result<T, ClusterError>>) -> Result<T, ClusterError> {
    let late = || ClusterError::Unreachable(format!("no answer within {} s", CALL_TIMEOUT.as_secs()));
    tokio::time::timeout(CALL_TIMEOUT, call)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// Awaits one request.
pub async fn answer<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, ClusterError> {
    request.await.map_err(|error| translate(&error))
}

/// What an error of the client means.
pub fn translate(error: &kube::Error) -> ClusterError {
    use kube::Error as E;
    match error {
        E::Api(status) => refused(status),
        E::HyperError(_) | E::Service(_) | E::ReadEvents(_) => {
            guard::found(error).unwrap_or_else(|| ClusterError::Unreachable(chain(error)))
        }
        E::Auth(_) | E::InferConfig(_) | E::InferKubeconfig(_) | E::RustlsTls(_) | E::TlsRequired => {
            ClusterError::Forbidden(format!("the credentials cannot be used: {}", chain(error)))
        }
        E::ProxyProtocolUnsupported { .. } | E::ProxyProtocolDisabled { .. } => {
            ClusterError::Forbidden(format!("the kubeconfig's proxy-url is not supported: {error}"))
        }
        E::BuildRequest(_) | E::HttpError(_) => ClusterError::Refused(chain(error)),
        E::Discovery(_) => ClusterError::NotFound(chain(error)),
        // Above all what cannot be read: no JSON, no UTF-8, another shape.
        _ => ClusterError::Broken(chain(error)),
    }
}

/// What an answer of the API server means.
pub fn refused(status: &Status) -> ClusterError {
    let message = message(status);
    match status.code {
        401 => ClusterError::Forbidden(format!(
            "{message}: the token or certificate is wrong or has expired"
        )),
        403 => forbidden(status, message),
        404 => ClusterError::NotFound(message),
        409 => conflict(status, message),
        429 => ClusterError::Limited {
            retry_after: retry_after(status),
        },
        408 | 410 => ClusterError::Broken(message),
        400..=499 => ClusterError::Refused(message),
        _ => ClusterError::Broken(message),
    }
}

/// Whether somebody else wrote the object in between: look at it again, and try again.
pub fn is_lost_race(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409 && !is_owned(status))
}

fn is_owned(status: &Status) -> bool {
    causes(status).iter().any(|cause| cause.reason == OWNED)
}

fn causes(status: &Status) -> &[StatusCause] {
    status
        .details
        .as_ref()
        .map_or(&[], |details| details.causes.as_slice())
}

/// The message, with the causes that it leaves out.
fn message(status: &Status) -> String {
    let mut text = if status.message.is_empty() {
        status.reason.clone()
    } else {
        status.message.clone()
    };
    for cause in causes(status) {
        if !cause.message.is_empty() && !text.contains(&cause.message) {
            text.push_str("; ");
            if !cause.field.is_empty() {
                text.push_str(&cause.field);
                text.push_str(": ");
            }
            text.push_str(&cause.message);
        }
    }
    if text.is_empty() {
        format!("HTTP {}", status.code)
    } else {
        text
    }
}

fn retry_after(status: &Status) -> u64 {
    match status
        .details
        .as_ref()
        .map_or(0, |details| details.retry_after_seconds)
    {
        0 => RETRY_AFTER,
        seconds => u64::from(seconds),
    }
}

/// A 403 is either about who asks (authorization) or about what is asked (admission: quota, webhooks, policies).
fn forbidden(status: &Status, message: String) -> ClusterError {
    if causes(status)
        .iter()
        .any(|cause| cause.reason == "NamespaceTerminating")
    {
        return ClusterError::Broken(message);
    }
    // Authorizers say `User "x" cannot patch resource "y" …` or `cannot get path "/z"`.
    let about_whom =
        message.contains(" cannot ") && (message.contains(" resource \"") || message.contains(" path \""));
    let by_admission = message.contains(" is forbidden: ")
        || message.contains("admission webhook")
        || message.contains("exceeded quota")
        || message.contains(" denied request")
        || message.contains(" denied the request");
    if by_admission && !about_whom {
        ClusterError::Refused(message)
    } else {
        ClusterError::Forbidden(message)
    }
}

/// A 409 of server-side apply says which manager owns which field; any other is a lost race and worth another try.
fn conflict(status: &Status, message: String) -> ClusterError {
    let owned: Vec<Owned> = causes(status)
        .iter()
        .filter(|cause| cause.reason == OWNED)
        .map(|cause| Owned {
            manager: manager(&cause.message).to_owned(),
            field: cause.field.clone(),
        })
        .collect();
    if owned.is_empty() {
        ClusterError::Broken(message)
    } else {
        ClusterError::Conflict(owned)
    }
}

/// The manager in `conflict with "kubectl" using apps/v1`; the whole text where it has another form.
fn manager(message: &str) -> &str {
    message
        .strip_prefix("conflict with \"")
        .and_then(|rest| rest.split_once('"'))
        .map_or(message, |(manager, _)| manager)
}

/// An error with what caused it, each said once.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut current = error.source();
    while let Some(cause) = current {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        current = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(status: Value) -> ClusterError {
        refused(&serde_json::from_value(status).expect("a status"))
    }

    /// The words are those of a 1.33 API server.
    #[test]
    fn a_403_is_about_who_asks_or_about_what_is_asked() {
        let answer = |message: &str| of(json!({ "code": 403, "reason": "Forbidden", "message": message }));
        for about_whom in [
            "deployments.apps \"web\" is forbidden: User \"ci\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"dev\"",
            "forbidden: User \"ci\" cannot get path \"/version\"",
            "403 Forbidden",
        ] {
            assert!(matches!(answer(about_whom), ClusterError::Forbidden(m) if m == about_whom));
        }
        for about_what in [
            "pods \"web-1\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2",
            "pods \"web-1\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false",
            "admission webhook \"policy.example.com\" denied the request: images must be signed",
            "deployments.apps \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        ] {
            assert!(matches!(answer(about_what), ClusterError::Refused(m) if m == about_what));
        }
        let ending = of(json!({
            "code": 403, "reason": "Forbidden", "message": "deployments.apps \"web\" is forbidden: unable to create new content in namespace dev because it is being terminated",
            "details": { "causes": [{ "reason": "NamespaceTerminating", "message": "namespace dev is being terminated", "field": "metadata.namespace" }] },
        }));
        assert!(ending.is_passing());
    }

    #[test]
    fn a_field_conflict_says_who_owns_what_and_a_lost_race_may_be_tried_again() {
        let conflict = of(json!({
            "code": 409, "reason": "Conflict", "message": "Apply failed with 2 conflicts: …",
            "details": { "causes": [
                { "reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" with subresource \"scale\" using apps/v1", "field": ".spec.replicas" },
                { "reason": "FieldManagerConflict", "message": "conflict with \"helm\" using apps/v1 at 2024-01-01T00:00:00Z", "field": ".spec.paused" },
                { "reason": "FieldManagerConflict", "message": "conflict with \"helm\" using apps/v1", "field": ".spec.strategy.type" },
            ] },
        }));
        assert!(
            matches!(&conflict, ClusterError::Conflict(owned) if owned.len() == 3)
                && conflict
                    .to_string()
                    .ends_with("helm owns .spec.paused, .spec.strategy.type; kubectl owns .spec.replicas"),
            "{conflict}"
        );
        let race =
            of(json!({ "code": 409, "reason": "Conflict", "message": "the object has been modified" }));
        assert!(race.is_passing());
    }

    #[test]
    fn a_refused_manifest_names_every_cause() {
        let invalid = of(json!({
            "code": 422, "reason": "Invalid", "message": "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1",
            "details": { "causes": [
                { "reason": "FieldValueInvalid", "message": "Invalid value: -1", "field": "spec.replicas" },
                { "reason": "FieldValueRequired", "message": "Required value", "field": "spec.selector" },
            ] },
        }));
        assert!(
            matches!(&invalid, ClusterError::Refused(m) if m.ends_with("Invalid value: -1; spec.selector: Required value")),
            "{invalid}"
        );
    }

    #[test]
    fn what_passes_by_itself_may_be_tried_again() {
        for (code, passing) in [
            (400, false),
            (401, false),
            (404, false),
            (410, true),
            (413, false),
            (422, false),
            (429, true),
            (500, true),
            (503, true),
            (504, true),
        ] {
            assert_eq!(
                of(json!({ "code": code, "message": "m" })).is_passing(),
                passing,
                "{code}"
            );
        }
        let limited = of(json!({ "code": 429, "details": { "retryAfterSeconds": 9 } }));
        assert!(matches!(limited, ClusterError::Limited { retry_after: 9 }));
        assert!(matches!(
            of(json!({ "code": 429 })),
            ClusterError::Limited {
                retry_after: RETRY_AFTER
            }
        ));
    }
}
