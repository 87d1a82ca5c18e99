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

/// A view on its way: the browser may have to fetch its part first.
pub(crate) type Making = Pin<Box<dyn Future<Output = AnyView>>>;

/// A page in a part of the WASM that is fetched when the page is opened, see [`crate::part`].
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// Fetches the part; does nothing where it is there, or on the server.
    pub(crate) fetch: fn() -> Pin<Box<dyn Future<Output = ()>>>,
    /// Fetches the part and makes the page.
    pub(crate) make: fn() -> Making,
}

impl ChooseView for Part {
    async fn choose(self) -> AnyView {
        (self.make)().await
    }

    async fn preload(&self) {}
}

/// A page of the table.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pattern: Pattern,
    part: Part,
}

/// A page as the router wants it. The view's type depends on whether Leptos is built with `erase_components`.
pub(crate) type Routed = NestedRoute<Pattern, (), (), <Part as IntoChooseViewMaybeErased>::Output>;

/// All pages.
pub(crate) type RouteTable = Vec<Page>;

/// The page at `path`. It is rendered whole before the first byte is sent, so that it works without JavaScript and has its
/// own HTTP status.
pub(crate) const fn apart(path: &'static str, part: Part) -> Page {
    Page {
        pattern: Pattern(path),
        part,
    }
}

/// The table in the form that the router wants.
pub(crate) fn children(table: RouteTable) -> StaticVec<Routed> {
    let routed = |page: Page| NestedRoute::new(page.pattern, page.part).ssr_mode(SsrMode::Async);
    table.into_iter().map(routed).collect::<Vec<_>>().into()
}

/// Fetches what the page at `path` needs.
pub(crate) async fn fetch(table: RouteTable, path: &str) {
    let found = table.into_iter().find(|page| page.pattern.test(path).is_some());
    if let Some(page) = found {
        (page.part.fetch)().await;
    }
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
