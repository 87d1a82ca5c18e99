//! The parts of paths that name places, and what answers say of places and people.

use serde::{Deserialize, Serialize};
use slipway_domain::app::AppRef;
use slipway_domain::environment::EnvironmentRef;
use slipway_domain::group::GroupRef;
use slipway_domain::person::PersonRef;
use slipway_domain::project::Place;
use slipway_domain::text::{Locale, Text};
use slipway_portal::{Error, access};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

/// `/orgs/{org}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct OrgPath {
    /// The organization's slug.
    pub org: String,
}

/// `/orgs/{org}/projects/{project}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProjectPath {
    /// The organization's slug.
    pub org: String,
    /// The project's slug.
    pub project: String,
}

/// `/orgs/{org}/projects/{project}/apps/{app}`
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AppPath {
    /// The organization's slug.
    pub org: String,
    /// The project's slug.
    pub project: String,
    /// The app's slug.
    pub app: String,
}

impl AppPath {
    /// The address of the app.
    pub fn url(&self) -> String {
        format!(
            "/api/v1/orgs/{}/projects/{}/apps/{}",
            self.org, self.project, self.app
        )
    }
}

/// Which place of the organization is meant; without either, the organization itself.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct At {
    /// The slug of a project of it.
    project: Option<String>,
    /// The slug of an app of the project.
    app: Option<String>,
}

impl At {
    /// The place in the organization of that slug.
    ///
    /// # Errors
    /// An app without its project: that is no place.
    pub fn of<'a>(&'a self, org: &'a str) -> slipway_portal::Result<access::At<'a>> {
        match (&self.project, &self.app) {
            (None, Some(_)) => Err(Error::field(
                "project",
                Text::new("name the project that the app is in", "请同时填写应用所在的项目"),
            )),
            (project, app) => Ok(access::At::new(org, project.as_deref(), app.as_deref())),
        }
    }
}

/// A role as somebody holds it.
#[derive(Serialize, ToSchema)]
pub struct HeldRole {
    /// Its key, as in `project.lead`; those that the organization made start with `custom.`.
    pub key: String,
    /// For people.
    pub name: String,
}

impl HeldRole {
    /// As the API says it.
    pub fn of(role: &slipway_domain::role::HeldRole, locale: Locale) -> Self {
        Self {
            key: role.key(),
            name: role.text().get(locale).to_owned(),
        }
    }
}

/// A group by name.
#[derive(Serialize, ToSchema)]
pub struct GroupName {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// For people.
    pub name: String,
}

impl GroupName {
    /// As the API says it.
    pub fn of(group: &GroupRef) -> Self {
        Self {
            id: group.id.to_string(),
            name: group.name.clone(),
        }
    }
}

/// Somebody.
#[derive(Serialize, ToSchema)]
pub struct Person {
    /// Their id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The sign-in name.
    pub username: String,
    /// The display name.
    pub name: String,
}

impl Person {
    /// As the API says it.
    pub fn of(person: &PersonRef) -> Self {
        Self {
            id: person.id.to_string(),
            username: person.username.clone(),
            name: person.name.clone(),
        }
    }
}

/// The slugs of a place, from the outside in.
#[derive(Serialize, ToSchema)]
pub struct Slugs {
    /// The organization's.
    pub org: String,
    /// The project's.
    pub project: Option<String>,
    /// The app's.
    pub app: Option<String>,
}

impl Slugs {
    /// Those of `place`.
    pub fn of(place: &Place) -> Self {
        Self {
            org: place.org.slug.clone(),
            project: place.project.as_ref().map(|project| project.slug.clone()),
            app: place.app.as_ref().map(|app| app.slug.clone()),
        }
    }
}

/// An app by name.
#[derive(Serialize, ToSchema)]
pub struct AppName {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// In URLs.
    pub slug: String,
    /// For people.
    pub name: String,
}

impl AppName {
    /// As the API says it.
    pub fn of(app: &AppRef) -> Self {
        Self {
            id: app.id.to_string(),
            slug: app.slug.clone(),
            name: app.name.clone(),
        }
    }
}

/// An environment by name.
#[derive(Serialize, ToSchema)]
pub struct EnvironmentName {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// In URLs, as in `qa`.
    pub key: String,
    /// For people.
    pub name: String,
    /// `development`, `testing`, `staging` or `production`.
    pub tier: &'static str,
    /// Its place in the chain, from 0.
    pub position: i64,
}

impl EnvironmentName {
    /// As the API says it.
    pub fn of(environment: &EnvironmentRef) -> Self {
        Self {
            id: environment.id.to_string(),
            key: environment.key.clone(),
            name: environment.name.clone(),
            tier: environment.tier.key(),
            position: environment.position,
        }
    }
}

/// Something that was made.
#[derive(Serialize, ToSchema)]
pub struct Made {
    /// What it is called in its address: an id, a slug or a number.
    pub id: String,
    /// Where it is, also in `Location`.
    pub url: String,
}

/// A text that is one of `keys`.
pub fn one_of(keys: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(keys))
        .build()
}
