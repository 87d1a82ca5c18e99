//! Routes as data: one type for every page, so that the router is compiled once.

use leptos::prelude::*;
use leptos::tachys::view::iterators::StaticVec;
use leptos_router::{
    ChooseView, IntoChooseViewMaybeErased, NestedRoute, PartialPathMatch, PathSegment, PossibleRouteMatch,
    SsrMode,
};
use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

/// A path in which segments that start with `:` are parameters; it matches whole paths only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(&'static str);

/// A view on its way: the browser may have to load it first.
pub(crate) type Making = Pin<Box<dyn Future<Output = AnyView>>>;

/// What makes a page.
#[derive(Clone, Copy)]
pub(crate) enum View {
    /// It is in the WASM that every page loads.
    Here(fn() -> AnyView),
    /// It is in a part of the WASM that is loaded when the page is opened.
    Apart(fn() -> Making),
}

impl ChooseView for View {
    async fn choose(self) -> AnyView {
        match self {
            Self::Here(view) => view(),
            Self::Apart(view) => view().await,
        }
    }

    async fn preload(&self) {}
}

/// A page of the table. The view's type depends on whether Leptos is built with `erase_components`.
pub(crate) type Page = NestedRoute<Pattern, (), (), <View as IntoChooseViewMaybeErased>::Output>;

/// All pages.
pub(crate) type RouteTable = Vec<Page>;

/// The page at `path`. It is rendered whole before the first byte is sent, so that it works without
/// JavaScript and has its own HTTP status.
pub(crate) fn page(path: &'static str, view: fn() -> AnyView) -> Page {
    NestedRoute::new(Pattern(path), View::Here(view)).ssr_mode(SsrMode::Async)
}

/// As [`page`], in a part of the WASM of its own, see [`crate::part`].
pub(crate) fn apart(path: &'static str, view: fn() -> Making) -> Page {
    NestedRoute::new(Pattern(path), View::Apart(view)).ssr_mode(SsrMode::Async)
}

/// The table in the form that the router wants.
pub(crate) fn children(table: RouteTable) -> StaticVec<Page> {
    table.into()
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

impl PossibleRouteMatch for Pattern {
    fn optional(&self) -> bool {
        false
    }

    fn test<'a>(&self, path: &'a str) -> Option<PartialPathMatch<'a>> {
        let mut parameters = Vec::new();
        let mut given = segments(path);
        for wanted in segments(self.0) {
            let found = given.next()?;
            match wanted.strip_prefix(':') {
                Some(name) => parameters.push((Cow::Borrowed(name), found.to_owned())),
                None if wanted == found => {}
                None => return None,
            }
        }
        given
            .next()
            .is_none()
            .then(|| PartialPathMatch::new("", parameters, path))
    }

    fn generate_path(&self, path: &mut Vec<PathSegment>) {
        for segment in segments(self.0) {
            path.push(match segment.strip_prefix(':') {
                Some(name) => PathSegment::Param(name.into()),
                None => PathSegment::Static(segment.into()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_paths_and_reads_their_parameters() {
        let pattern = Pattern("/orgs/:org/projects/:project");
        let parameters = pattern.test("/orgs/acme/projects/checkout").unwrap().params();
        let given: Vec<_> = parameters
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_str()))
            .collect();
        assert_eq!(given, [("org", "acme"), ("project", "checkout")]);
        assert!(pattern.test("/orgs/acme/projects").is_none());
        assert!(pattern.test("/orgs/acme/projects/checkout/apps").is_none());
        assert!(Pattern("/").test("/").is_some());
        assert!(Pattern("/").test("/x").is_none());
    }
}
