//! The OpenAPI document: what the handlers say of themselves, what all of them share, and the types of
//! reports as their own JSON Schema describes them.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Object, RefOr};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::answers::PROBLEM;
use super::idempotency::LONGEST_KEY;
use super::{Document, ROOT, resources};
use crate::catalog::schema::Service as CatalogService;
use crate::compare::Comparison;
use crate::judge::Profile;
use crate::model::finding::{Category, Finding, RuleOutcome, Severity, Verdict};
use crate::model::report::{Report, Run, ServiceSeen, Summary};
use crate::model::visit::{State, Visit};

/// Before the names of types that the JSON Schema of reports describes: some are called like types of
/// the service.
const OF_REPORTS: &str = "report.";

/// Types whose schema stands in that of reports: the handlers name them, and [`document`] puts the schema in.
macro_rules! of_reports {
    ($($type:ty),+ $(,)?) => {
        $(
            impl PartialSchema for $type {
                fn schema() -> RefOr<Schema> {
                    Schema::Object(Object::default()).into()
                }
            }

            impl ToSchema for $type {
                fn name() -> Cow<'static, str> {
                    format!("{OF_REPORTS}{}", <$type as JsonSchema>::schema_name()).into()
                }
            }
        )+

        fn describe(generator: &mut SchemaGenerator) {
            $(generator.subschema_for::<$type>();)+
        }
    };
}

of_reports!(
    CatalogService,
    Category,
    Comparison,
    Finding,
    Profile,
    Report,
    RuleOutcome,
    Run,
    ServiceSeen,
    Severity,
    State,
    Summary,
    Verdict,
    Visit,
);

/// What a resource is, by the tag of its operations.
const TAGS: [(&str, &str); 18] = [
    ("sites", "What is audited, and how."),
    (
        "audits",
        "An audit of a site: asked for, followed, called off.",
    ),
    ("schedules", "When sites are audited."),
    ("runs", "What audits made."),
    (
        "findings",
        "What should not have happened, with its evidence.",
    ),
    (
        "accepted",
        "Findings somebody has accepted for a time: the baseline of a site.",
    ),
    (
        "snapshots",
        "All that a visit recorded, with fingerprints in the place of values.",
    ),
    ("comparisons", "Two runs, or two states, side by side."),
    ("reports", "A run in every format."),
    ("catalog", "The services the catalog knows."),
    ("events", "What happens, while it happens."),
    ("channels", "Where alerts go."),
    ("deliveries", "Alerts that were sent, or are to be."),
    ("accounts", "Who may sign in, and what they may do."),
    ("session", "Who asks."),
    ("tokens", "Keys for programs."),
    ("journal", "Who did what."),
    ("operation", "Settings, backup and health of the service."),
];

/// The OpenAPI document.
pub fn document() -> Value {
    let described = OpenApiRouter::<crate::service::Service>::with_openapi(Document::openapi())
        .nest(ROOT, resources())
        .into_openapi();
    let mut document = serde_json::to_value(described).unwrap_or_default();
    put_schemas_of_reports(&mut document);
    put_shared_parts(&mut document);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        let operations = item.as_object_mut().into_iter().flatten();
        for (method, operation) in operations {
            if let Some(operation) = operation.as_object_mut() {
                complete(path, method, operation);
            }
        }
    }
    document
}

/// The OpenAPI document as it is served.
pub fn document_text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

/// Describes the types of reports as their JSON Schema does.
fn put_schemas_of_reports(document: &mut Value) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = Cow::Borrowed("/components/schemas");
    });
    let mut generator = settings.into_generator();
    describe(&mut generator);
    let schemas = &mut document["components"]["schemas"];
    for (name, mut schema) in generator.take_definitions(true) {
        name_as_of_reports(&mut schema);
        schemas[format!("{OF_REPORTS}{name}")] = schema;
    }
}

/// Has references to types of reports name them as the document does.
fn name_as_of_reports(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(place) if name == "$ref" => {
                        if let Some(kind) = place.strip_prefix("#/components/schemas/") {
                            *place = format!("#/components/schemas/{OF_REPORTS}{kind}");
                        }
                    }
                    value => name_as_of_reports(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(name_as_of_reports),
        _ => {}
    }
}

/// Puts in what operations refer to.
fn put_shared_parts(document: &mut Value) {
    document["tags"] = TAGS
        .iter()
        .map(|(name, description)| json!({ "name": name, "description": description }))
        .collect();
    document["security"] = json!([{ "token": [] }, { "session": [] }]);
    let components = &mut document["components"];
    components["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of the scope `read`, `audit` or `admin`."
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "consentinel",
            "description": "The session of somebody who is signed in. Changes need the header `X-CSRF-Token`."
        }
    });
    let problem = |description: &str| {
        json!({
            "description": description,
            "content": { PROBLEM: { "schema": { "$ref": "#/components/schemas/Problem" } } }
        })
    };
    components["responses"] = SHARED
        .iter()
        .map(|(status, name, description)| {
            let response = match *status {
                "304" => json!({ "description": description }),
                _ => problem(description),
            };
            ((*name).to_owned(), response)
        })
        .collect::<Map<String, Value>>()
        .into();
    components["parameters"] = json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "The same request with the same key is carried out once and answered alike for 24 hours.",
            "schema": { "type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$" }
        },
        "IfMatch": {
            "name": "If-Match",
            "in": "header",
            "description": "The `ETag` of the version that is to be changed.",
            "schema": { "type": "string" }
        },
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of the version that is known already.",
            "schema": { "type": "string" }
        }
    });
    let problem = &mut components["schemas"]["Problem"];
    problem["example"] = json!({
        "type": "/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "no such site; `GET /api/v1/sites` lists them"
    });
}

/// Answers that operations share: status code, name, when they are given.
const SHARED: [(&str, &str, &str); 15] = [
    (
        "304",
        "NotModified",
        "The version that is known already is the one there is",
    ),
    ("400", "BadRequest", "The request cannot be understood"),
    ("401", "Unauthorized", "Nobody is signed in"),
    ("403", "Forbidden", "Whoever is signed in may not"),
    ("404", "NotFound", "There is no such thing"),
    (
        "406",
        "NotAcceptable",
        "The `Accept` header does not allow the answer",
    ),
    ("409", "Conflict", "It does not fit what is there"),
    ("412", "PreconditionFailed", "It was changed meanwhile"),
    ("413", "TooLarge", "The body is too large"),
    ("415", "UnsupportedMediaType", "The body is no JSON"),
    (
        "421",
        "Misdirected",
        "The service does not go by the name it was asked by",
    ),
    ("422", "Invalid", "A field is not valid"),
    (
        "429",
        "TooMany",
        "Too many requests; `Retry-After` says when to come back",
    ),
    ("500", "Internal", "A fault of the service"),
    (
        "503",
        "Busy",
        "Too much at once; `Retry-After` says when to come back",
    ),
];

/// Says of an operation what it shares with others.
fn complete(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let tag = operation
        .get("tags")
        .and_then(|tags| tags[0].as_str())
        .unwrap_or_default()
        .to_owned();
    if let Some(id) = operation.get("operationId").and_then(Value::as_str) {
        let id = format!("{tag}.{id}");
        operation.insert("operationId".to_owned(), id.into());
    }
    let reads = method == "get";
    let given = |operation: &Map<String, Value>, status: &str| {
        operation
            .get("responses")
            .is_some_and(|responses| !responses[status].is_null())
    };
    let has_body = operation.contains_key("requestBody");
    let has_tag = reads && tag != "events";
    let makes = method == "post";
    let parameters = operation
        .entry("parameters")
        .or_insert_with(|| json!([]))
        .as_array_mut();
    let mut statuses = vec!["400", "401", "403", "406", "421", "429", "500", "503"];
    if let Some(parameters) = parameters {
        let mut refer = |name: &str| {
            parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
        };
        if has_tag {
            refer("IfNoneMatch");
            statuses.push("304");
        }
        if makes {
            refer("IdempotencyKey");
            statuses.extend(["409", "413", "422"]);
        }
    }
    if given(operation, "412")
        && let Some(parameters) = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
    {
        parameters.push(json!({ "$ref": "#/components/parameters/IfMatch" }));
    }
    if has_body {
        statuses.extend(["413", "415", "422"]);
    }
    if path.contains('{') {
        statuses.push("404");
    }
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for (status, name, _) in SHARED {
        if statuses.contains(&status) && !responses.contains_key(status) {
            let place = json!({ "$ref": format!("#/components/responses/{name}") });
            responses.insert(status.to_owned(), place);
        }
    }
    for (status, response) in responses.iter_mut() {
        if response["$ref"].is_null() && response["description"].is_null() {
            let shared = SHARED.iter().find(|(shared, _, _)| shared == status);
            let description = shared.map_or("It was done", |(_, _, description)| description);
            response["description"] = description.into();
        }
    }
    if has_tag && let Some(found) = responses.get_mut("200") {
        found["headers"]["ETag"] = json!({
            "description": "The version of the answer",
            "schema": { "type": "string" }
        });
    }
    if let Some(made) = responses.get_mut("201")
        && makes
    {
        made["headers"]["Location"] = json!({
            "description": "Where it is",
            "schema": { "type": "string", "format": "uri-reference" }
        });
        // What is called otherwise than by an id, or shown only in the list, has no link.
        if matches!(tag.as_str(), "accounts" | "tokens") {
            return;
        }
        made["links"]["show"] = json!({
            "operationId": format!("{tag}.show"),
            "parameters": { "id": "$response.body#/id" }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::collections::BTreeSet;

    use super::*;

    const CHECKED_IN: &str = "src/service/api/openapi.json";

    #[test]
    fn the_document_is_checked_in() {
        let text = document_text();
        let place = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(CHECKED_IN);
        if std::env::var_os("CONSENTINEL_UPDATE_SCHEMA").is_some() {
            std::fs::write(&place, &text).unwrap();
        }
        let held = std::fs::read_to_string(&place).unwrap_or_default();
        assert!(
            held == text,
            "{CHECKED_IN} is not what the handlers say; set CONSENTINEL_UPDATE_SCHEMA=1 and run this test again"
        );
    }

    /// Every value of a document with the names that lead to it.
    fn visit<'d>(value: &'d Value, seen: &mut dyn FnMut(&'d Value)) {
        seen(value);
        match value {
            Value::Object(fields) => fields.values().for_each(|value| visit(value, seen)),
            Value::Array(values) => values.iter().for_each(|value| visit(value, seen)),
            _ => {}
        }
    }

    #[test]
    fn what_is_referred_to_is_there() {
        let document = document();
        let mut wrong = Vec::new();
        visit(&document, &mut |value| {
            if let Some(place) = value.get("$ref").and_then(Value::as_str)
                && document.pointer(place.trim_start_matches('#')).is_none()
            {
                wrong.push(place.to_owned());
            }
        });
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn operations_have_names_of_their_own_and_known_tags() {
        let document = document();
        let tags: BTreeSet<&str> = TAGS.iter().map(|(name, _)| *name).collect();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id), "{id} twice");
                let tag = operation["tags"][0].as_str().unwrap();
                assert!(tags.contains(tag), "{method} {path}: {tag}");
                let about = operation["summary"].as_str().unwrap_or_default();
                assert!(!about.is_empty(), "{method} {path}");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let told = !response["description"].is_null() || !response["$ref"].is_null();
                    assert!(told, "{method} {path}: {status}");
                }
                for status in ["401", "403", "429", "500"] {
                    let given = &operation["responses"][status];
                    assert!(!given.is_null(), "{method} {path}: {status}");
                }
            }
        }
        assert!(ids.contains("sites.create") && ids.contains("runs.list"));
    }

    #[test]
    fn no_type_is_left_undescribed() {
        let document = document();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let says = ["type", "$ref", "oneOf", "anyOf", "allOf", "enum", "const"];
            assert!(
                says.iter().any(|word| !schema[*word].is_null()),
                "{name}: {schema}"
            );
            let bare = schema["type"] == "object" && schema.as_object().unwrap().len() == 1;
            assert!(!bare, "{name}");
        }
    }
}
