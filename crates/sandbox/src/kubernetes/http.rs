//! The wire: paths to resources and verbs, content negotiation, answers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, Uri, header};
use serde_json::{Value, json};

use super::access::User;
use super::admission::AdmissionRule;
use super::error::{ApiError, ApiResult};
use super::resource::{self, Resource};
use super::table::Form;
use super::{Cluster, discovery, lists, object, openapi, protobuf, subresources, watch, writes};

/// The largest request body, in bytes, as etcd would have it.
const BODY_LIMIT: usize = 3 << 20;

pub fn router(cluster: Arc<Cluster>) -> Router {
    Router::new().fallback(serve).with_state(cluster)
}

/// One request on a resource.
pub struct Call {
    pub resource: &'static Resource,
    /// Empty for all namespaces and for cluster-wide kinds.
    pub namespace: String,
    pub name: String,
    pub subresource: String,
    pub query: HashMap<String, String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub form: Form,
    pub path_and_query: String,
}

impl Call {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    pub fn asks(&self, name: &str) -> bool {
        matches!(self.query.get(name).map(String::as_str), Some("true" | "1"))
    }

    /// `dryRun=All`; any other value is refused.
    pub fn dry_run(&self) -> ApiResult<bool> {
        match self.query("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => Err(ApiError::bad_request(format!(
                "dryRun: Unsupported value: {other:?}: supported values: \"All\""
            ))),
        }
    }

    pub fn namespace(&self) -> Option<&str> {
        (!self.namespace.is_empty()).then_some(self.namespace.as_str())
    }

    /// The body as JSON; YAML where the content type says so.
    pub fn document(&self) -> ApiResult<Value> {
        let kind = content_type(&self.headers);
        if kind.contains("cbor") {
            return Err(ApiError::unsupported_media(format!(
                "the sandbox reads JSON, YAML and protobuf bodies, not {kind}"
            )));
        }
        if kind.contains("protobuf") {
            return protobuf::decode(&self.body);
        }
        parse_document(&self.body, kind.contains("yaml"))
    }
}

pub fn content_type(headers: &HeaderMap) -> &str {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/json")
}

pub fn parse_document(body: &[u8], yaml: bool) -> ApiResult<Value> {
    if let Ok(value) = serde_json::from_slice(body) {
        return Ok(value);
    }
    let text =
        std::str::from_utf8(body).map_err(|_| ApiError::bad_request("the request body is not UTF-8"))?;
    if yaml {
        return serde_saphyr::from_str(text)
            .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")));
    }
    let error = serde_json::from_str::<Value>(text)
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default();
    Err(ApiError::bad_request(format!(
        "the object provided is unrecognized (must be of type Object): couldn't get version/kind; json parse error: {error}"
    )))
}

pub fn answer(code: u16, body: &Value) -> Response<Body> {
    answer_as(code, body, "application/json")
}

pub fn answer_as(code: u16, body: &Value, content_type: &str) -> Response<Body> {
    let mut bytes = serde_json::to_vec(body).expect("JSON prints");
    bytes.push(b'\n');
    Response::builder()
        .status(code)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CACHE_CONTROL, "no-cache, private")
        .body(Body::from(bytes))
        .expect("a valid response")
}

fn plain(text: &'static str) -> Response<Body> {
    Response::builder()
        .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
        .body(Body::from(text))
        .expect("a valid response")
}

async fn serve(State(cluster): State<Arc<Cluster>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return ApiError::new(413, "RequestEntityTooLarge", "the request is larger than 3 MiB").response();
    };
    route(&cluster, &parts.method, &parts.uri, parts.headers, body).unwrap_or_else(|error| error.response())
}

fn route(
    cluster: &Arc<Cluster>,
    method: &Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Response<Body>> {
    let path = uri.path().trim_end_matches('/');
    match path {
        "/healthz" | "/readyz" | "/livez" => return Ok(plain("ok")),
        "/version" => return Ok(answer(200, &discovery::version())),
        _ => {}
    }
    let user = cluster.access.authenticate(&headers)?;
    let decoded: Vec<String> = path.split('/').skip(1).map(percent_decoded).collect();
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    match segments.as_slice() {
        [""] | [] => Ok(answer(
            200,
            &json!({ "paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"] }),
        )),
        ["api"] if wants_aggregated(&accept) => Ok(aggregated(true)),
        ["apis"] if wants_aggregated(&accept) => Ok(aggregated(false)),
        ["api"] => {
            let host = headers
                .get(header::HOST)
                .and_then(|h| h.to_str().ok())
                .unwrap_or("127.0.0.1");
            Ok(answer(200, &discovery::api_versions(host)))
        }
        ["apis"] => Ok(answer(200, &discovery::group_list())),
        ["apis", group] => discovery::group(group)
            .map(|g| answer(200, &g))
            .ok_or_else(ApiError::no_such_path),
        ["openapi", "v3"] => Ok(answer(200, &openapi::index())),
        ["openapi", "v3", "api", version] => openapi_document("", version),
        ["openapi", "v3", "apis", group, version] => openapi_document(group, version),
        ["-", "sandbox", "admission"] => admission(cluster, method, &user, &body),
        ["api", version, rest @ ..] => on_version(
            cluster,
            method,
            uri,
            headers,
            body,
            &user,
            &accept,
            ("", version),
            rest,
        ),
        ["apis", group, version, rest @ ..] => on_version(
            cluster,
            method,
            uri,
            headers,
            body,
            &user,
            &accept,
            (group, version),
            rest,
        ),
        _ => Err(ApiError::no_such_path()),
    }
}

fn percent_decoded(segment: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn wants_aggregated(accept: &str) -> bool {
    accept
        .split(',')
        .any(|part| part.contains("g=apidiscovery.k8s.io") && part.contains("v=v2;"))
        || accept
            .split(',')
            .any(|part| part.contains("g=apidiscovery.k8s.io") && part.trim_end().ends_with("v=v2"))
}

fn aggregated(core: bool) -> Response<Body> {
    answer_as(
        200,
        &discovery::aggregated(core),
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    )
}

fn openapi_document(group: &str, version: &str) -> ApiResult<Response<Body>> {
    openapi::document(group, version)
        .map(|d| answer(200, &d))
        .ok_or_else(ApiError::no_such_path)
}

fn admission(cluster: &Cluster, method: &Method, user: &User, body: &Bytes) -> ApiResult<Response<Body>> {
    if user.read_only {
        return Err(ApiError::new(
            403,
            "Forbidden",
            "only the administrator of the sandbox sets admission rules",
        ));
    }
    let mut registry = cluster.registry.lock();
    match *method {
        Method::GET => {}
        Method::POST => {
            let rule: AdmissionRule = serde_json::from_slice(body).map_err(|error| {
                ApiError::bad_request(format!("an admission rule is {{\"kind\", \"message\"}}, with namespace and name if wanted: {error}"))
            })?;
            registry.admission.0.push(rule);
        }
        Method::DELETE => registry.admission.0.clear(),
        _ => return Err(ApiError::method_not_allowed()),
    }
    Ok(answer(200, &json!(registry.admission.0)))
}

fn on_version(
    cluster: &Arc<Cluster>,
    method: &Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Bytes,
    user: &User,
    accept: &str,
    (group, version): (&str, &str),
    rest: &[&str],
) -> ApiResult<Response<Body>> {
    let (namespace, rest) = match rest {
        [] => {
            return discovery::resources(group, version)
                .map(|list| answer(200, &list))
                .ok_or_else(ApiError::no_such_path);
        }
        ["namespaces", namespace, rest @ ..]
            if !rest.is_empty() && !matches!(rest, ["status" | "finalize"]) =>
        {
            (*namespace, rest)
        }
        rest => ("", rest),
    };
    if let [kind] = rest
        && *method == Method::POST
        && matches!(group, "authorization.k8s.io" | "authentication.k8s.io")
    {
        let media = content_type(&headers);
        let request = if media.contains("protobuf") {
            protobuf::decode(&body)?
        } else {
            parse_document(&body, media.contains("yaml"))?
        };
        return user
            .review(kind, &request)
            .map(|review| answer(201, &review))
            .ok_or_else(ApiError::no_such_path);
    }
    let (name, subresource) = match rest {
        [_] => ("", ""),
        [_, name] => (*name, ""),
        [_, name, subresource] => (*name, *subresource),
        _ => return Err(ApiError::no_such_path()),
    };
    let found = resource::find(group, version, rest[0]).ok_or_else(ApiError::no_such_path)?;
    if !found.namespaced && !namespace.is_empty() {
        return Err(ApiError::no_such_path());
    }
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let call = Call {
        resource: found,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: subresource.to_owned(),
        query,
        headers,
        body,
        form: Form::of(accept),
        path_and_query: uri.path_and_query().map_or_else(String::new, ToString::to_string),
    };
    dispatch(cluster, method, user, &call)
}

fn dispatch(cluster: &Arc<Cluster>, method: &Method, user: &User, call: &Call) -> ApiResult<Response<Body>> {
    let watching = call.asks("watch");
    let verb = match (method, call.name.is_empty()) {
        (&Method::GET, true) if watching => "watch",
        (&Method::GET, true) => "list",
        (&Method::GET | &Method::HEAD, _) => "get",
        (&Method::POST, _) => "create",
        (&Method::PUT, false) => "update",
        (&Method::PATCH, false) => "patch",
        (&Method::DELETE, true) => "deletecollection",
        (&Method::DELETE, false) => "delete",
        _ => return Err(ApiError::method_not_allowed()),
    };
    if !user.may(verb) {
        return Err(forbidden(user, verb, call));
    }
    if !call.subresource.is_empty() {
        return subresources::serve(cluster, verb, call);
    }
    if call.resource.namespaced && call.namespace.is_empty() && !matches!(verb, "list" | "watch") {
        return Err(ApiError::method_not_allowed());
    }
    match verb {
        "watch" => watch::serve(cluster, call),
        "list" => lists::list(cluster, call),
        "get" if watching => watch::serve(cluster, call),
        "get" => lists::get(cluster, call),
        "create" if call.name.is_empty() => writes::create(cluster, call),
        "update" => writes::update(cluster, call),
        "patch" => writes::patch(cluster, call),
        "delete" => writes::delete(cluster, call),
        "deletecollection" => writes::delete_collection(cluster, call),
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn forbidden(user: &User, verb: &str, call: &Call) -> ApiError {
    let resource = call.resource;
    let what = if call.subresource.is_empty() {
        resource.name.to_owned()
    } else {
        format!("{}/{}", resource.name, call.subresource)
    };
    let scope = match call.namespace() {
        Some(namespace) => format!("in the namespace {namespace:?}"),
        None => "at the cluster scope".to_owned(),
    };
    let detail = format!(
        "User {:?} cannot {verb} resource {what:?} in API group {:?} {scope}",
        user.name, resource.group
    );
    ApiError::forbidden(resource, &call.name, &detail)
}

/// The object in the version and form that the caller asked for.
pub fn shown(call: &Call, target: &Value) -> Value {
    if std::ptr::eq(call.resource, resource::EVENTS_K8S_IO) {
        subresources::event_to_v1(target)
    } else {
        target.clone()
    }
}

/// Answers one object.
pub fn answer_object(code: u16, call: &Call, target: &Value, warnings: &[String]) -> Response<Body> {
    let shown = shown(call, target);
    let body = call.form.object(call.resource, &shown);
    let mut response = answer(code, &body);
    for warning in warnings {
        let text = format!("299 - {}", json!(warning));
        if let Ok(value) = text.parse() {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    if object::text(&shown, "/kind").is_empty() {
        tracing::debug!(path = call.path_and_query, "answered an object without a kind");
    }
    response
}
