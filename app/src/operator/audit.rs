//! The server's own audit log: what concerns every organization.

use super::api::ReadServerAudit;
use super::head;
use crate::audit::log;
use crate::live::Topics;
use crate::load::load;
use crate::places::query;
use crate::tr;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use slipway_domain::audit::AuditRow;
use slipway_domain::operator::SERVER;

/// A page of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// The number to go on before; `None`: there are no older ones.
    pub older_than: Option<i64>,
}

/// `/operator/audit`.
pub fn audit_page() -> AnyView {
    let (action, before) = (query("action"), query("before"));
    load(move || ReadServerAudit {
        action: action().filter(|action| !action.is_empty()),
        before: before().and_then(|before| before.parse().ok()),
    })
    .watching(|_: &AuditPage| Topics::of("server_audit", SERVER))
    .view(move |page| {
        let kinds = [
            ("", tr!(audit.all)),
            ("operator.", tr!(operator.operators)),
            ("person.", tr!(operator.accounts)),
            ("provider.", tr!(operator.sign_in)),
        ];
        view! {
            {head("audit")}
            {log(kinds.into(), &page.rows, page.older_than, &action().unwrap_or_default())}
        }
        .into_any()
    })
}
