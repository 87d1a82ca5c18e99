//! Importing a GitLab group: choosing repositories, naming their apps, and how far it is.

pub mod api;
mod choose;
mod progress;
mod review;

use crate::live::Topics;
use crate::load::load;
use crate::places::{encode, param, query};
use api::{ReadImport, ReadImportChooser};
use leptos::prelude::*;
use slipway_domain::import::{ImportState, ImportView};

/// `P/import`.
pub fn import_page() -> AnyView {
    let (org, project) = (param("org"), param("project"));
    let (connection, group, subgroups) = (query("connection"), query("group"), query("subgroups"));
    let (search, page) = (query("search"), query("page"));
    let filter = move || Filter {
        connection: connection().filter(|id| !id.is_empty()),
        group: group().filter(|id| !id.is_empty()),
        subgroups: subgroups().is_some_and(|word| word == "true"),
        search: search().unwrap_or_default(),
    };
    load(move || {
        let filter = filter();
        ReadImportChooser {
            org: org(),
            project: project(),
            connection: filter.connection,
            group: filter.group,
            subgroups: filter.subgroups.then_some(true),
            search: (!filter.search.is_empty()).then_some(filter.search),
            page: page().and_then(|page| page.parse().ok()),
        }
    })
    .view(move |chooser| choose::show(&chooser, &untrack(filter)))
}

/// `P/imports/{id}`.
pub fn one_page() -> AnyView {
    let (org, project, id, page) = (param("org"), param("project"), param("id"), query("page"));
    load(move || ReadImport {
        org: org(),
        project: project(),
        id: id(),
        page: page().and_then(|page| page.parse().ok()),
    })
    .watching(|view: &ImportView| Topics::of("import", view.row.id))
    .view(|view| {
        if view.row.state == ImportState::Draft {
            review::show(&view)
        } else {
            progress::show(&view)
        }
    })
}

/// What the address of the chooser says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) connection: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) subgroups: bool,
    pub(crate) search: String,
}

impl Filter {
    /// Its query, for a page of the list.
    pub(crate) fn href(&self, page: u32) -> String {
        let mut parts = Vec::new();
        let mut add = |name: &str, value: &str| parts.push(format!("{name}={}", encode(value)));
        if let Some(connection) = &self.connection {
            add("connection", connection);
        }
        if let Some(group) = &self.group {
            add("group", group);
        }
        if self.subgroups {
            add("subgroups", "true");
        }
        if !self.search.is_empty() {
            add("search", &self.search);
        }
        if page > 1 {
            add("page", &page.to_string());
        }
        format!("?{}", parts.join("&"))
    }
}

/// The query of a page of an import.
pub(crate) fn page_query(page: u32) -> String {
    if page > 1 {
        format!("?page={page}")
    } else {
        String::new()
    }
}

/// A part of the address as an id; none where it is left out.
#[cfg(feature = "ssr")]
pub(crate) fn id<T: std::str::FromStr>(text: Option<String>) -> Result<Option<T>, slipway_portal::Error> {
    let given = text.filter(|text| !text.is_empty());
    given
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| slipway_portal::Error::NotFound)
}

/// What was typed, by repository.
#[cfg(feature = "ssr")]
fn edits(
    slugs: std::collections::BTreeMap<String, String>,
    mut names: std::collections::BTreeMap<String, String>,
) -> Vec<slipway_portal::import::Edit> {
    let number = |key: &str| key.strip_prefix('r').and_then(|number| number.parse().ok());
    slugs
        .into_iter()
        .filter_map(|(key, slug)| {
            Some(slipway_portal::import::Edit {
                repository: number(&key)?,
                slug: Some(slug),
                name: names.remove(&key),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_every_part_of_the_filter() {
        let filter = Filter {
            connection: Some(String::from("c")),
            group: Some(String::from("12")),
            subgroups: true,
            search: String::from("订单 a&b"),
        };
        assert_eq!(
            filter.href(3),
            "?connection=c&group=12&subgroups=true&search=%E8%AE%A2%E5%8D%95%20a%26b&page=3"
        );
        assert_eq!(Filter::default().href(1), "?");
        assert_eq!((page_query(1).as_str(), page_query(2).as_str()), ("", "?page=2"));
    }
}
