//! Query parameters that a route does not know are refused on every route, also those that know
//! none: what the OpenAPI document lists is what is taken.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use utoipa::openapi::{OpenApi, RefOr, path::ParameterIn};

use super::problem::ApiError;
use crate::{actions::FieldFault, openapi::operations_of};

/// Which query parameters each operation takes.
#[derive(Debug)]
pub(crate) struct Known(HashMap<(String, Method), Vec<String>>);

impl Known {
    pub(crate) fn of(document: &OpenApi) -> Arc<Self> {
        let known = operations_of(document).map(|(method, path, operation)| {
            let names = operation
                .parameters
                .iter()
                .flatten()
                .filter_map(|parameter| {
                    let RefOr::T(parameter) = parameter else {
                        return None;
                    };
                    let in_query = parameter.parameter_in == ParameterIn::Query;
                    in_query.then(|| parameter.name.clone())
                });
            ((path.to_owned(), method.clone()), names.collect())
        });
        Arc::new(Self(known.collect()))
    }
}

/// Refuses what the matched operation does not know; other methods and paths are refused later.
pub(crate) async fn refuse_unknown(
    State(known): State<Arc<Known>>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let method = match request.method() {
        &Method::HEAD => Method::GET,
        method => method.clone(),
    };
    let names = known.0.get(&(path.as_str().to_owned(), method));
    let query = request.uri().query().unwrap_or_default();
    if let Some(names) = names {
        let faults: Vec<_> = url::form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| !names.iter().any(|known| known == name))
            .map(|(name, _)| {
                let detail = "is not a known query parameter";
                FieldFault::new(format!("/{}", crate::actions::escape(&name)), detail)
            })
            .collect();
        if !faults.is_empty() {
            return ApiError::Query(faults).into_response();
        }
    }
    next.run(request).await
}
