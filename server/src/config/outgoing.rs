//! `[outgoing]`: where connections that people type in the browser may lead beside everywhere that is in bounds, and
//! whether they may be Slipway's own.

use super::Problem;
use serde::Deserialize;
use slipway_portal::outgoing::{self, Net};

/// `[outgoing]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Outgoing {
    /// Networks and addresses that are out of bounds otherwise, as in `127.0.0.0/8`: this machine, its link, metadata
    /// services.
    pub allow: Vec<String>,
    /// Whether those who manage an organization may choose the cluster that Slipway runs in, by the service account of its
    /// own pod. Whatever that account may do, they can have done then.
    pub in_cluster: bool,
}

impl Outgoing {
    /// The rule for connections.
    pub fn rule(&self) -> outgoing::Outgoing {
        let allowed = self.allow.iter().filter_map(|net| Net::parse(net)).collect();
        outgoing::Outgoing::allowing(allowed).lending_itself(self.in_cluster)
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let wrong = self
            .allow
            .iter()
            .enumerate()
            .filter(|(_, net)| Net::parse(net).is_none());
        wrong
            .map(|(number, net)| {
                let what = format!("`{net}` is not a network; write for example 127.0.0.0/8 or ::1");
                Problem::new(format!("outgoing.allow.{number}"), what)
            })
            .collect()
    }
}
