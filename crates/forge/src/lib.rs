//! The `SourceForge` port over the `gitlab` crate (GitLab REST v4).
//!
//! [`client`] decides what a refusal means and how long anything may take, [`answer`] reads answers without
//! trusting their shape, [`gitlab`](mod@gitlab) has one method per use.

mod answer;
mod call;
mod client;
mod gitlab;
#[cfg(test)]
mod recorded;

use client::Client;
use parking_lot::Mutex;
use slipway_portal::ports::{ForgeAccess, ForgeConnector, ForgeError, SourceForge};
use std::collections::HashMap;
use std::sync::Arc;

/// How many clients are kept; beyond it they are made anew.
const KEPT: usize = 256;

/// Makes clients, one for each address and token.
#[derive(Default)]
pub struct GitlabConnector {
    clients: Mutex<HashMap<(String, String), Arc<gitlab::Gitlab>>>,
}

impl ForgeConnector for GitlabConnector {
    fn connect(&self, access: &ForgeAccess) -> Result<Arc<dyn SourceForge>, ForgeError> {
        let key = (access.base_url.clone(), access.token.clone());
        let mut clients = self.clients.lock();
        if let Some(client) = clients.get(&key) {
            return Ok(Arc::clone(client) as Arc<dyn SourceForge>);
        }
        let client = Arc::new(gitlab::Gitlab::new(Client::new(access)?));
        if clients.len() >= KEPT {
            clients.clear();
        }
        clients.insert(key, Arc::clone(&client));
        Ok(client)
    }
}
