//! Looks into closed shadow roots, which no script outside of them can enter.
//!
//! The browser tells where they are and hands them to our own world, which then searches them like
//! everything else. The page cannot see it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::browser::BrowserError;
use crate::browser::browser_protocol::dom::{BackendNodeId, ResolveNodeParams};
use crate::browser::browser_protocol::dom_snapshot::CaptureSnapshotParams;
use crate::browser::js_protocol::runtime::{CallFunctionOnParams, ExecutionContextId};
use crate::visit::stage::World;

/// Most closed roots looked into at once.
const MOST_ROOTS: usize = 40;

/// Hands every closed shadow root of a frame to our own world there, and says how many there are.
pub(super) async fn open(world: &World) -> Result<usize, BrowserError> {
    // One style has to be asked for, though none is wanted.
    let snapshot = world
        .session
        .call(CaptureSnapshotParams::new(vec!["position".to_owned()]))
        .await?;
    let inside = inside_closed_roots(&snapshot, &world.frame);
    let mut opened = 0;
    for node in inside {
        let resolve = ResolveNodeParams {
            backend_node_id: Some(BackendNodeId::new(node)),
            execution_context_id: Some(ExecutionContextId::new(world.context)),
            ..ResolveNodeParams::default()
        };
        let answer = world.session.call(resolve).await?;
        let Some(object) = answer["object"]["objectId"].as_str() else {
            continue;
        };
        let adopt = CallFunctionOnParams {
            object_id: Some(object.to_owned().into()),
            ..CallFunctionOnParams::new(
                "function () { globalThis.consentinel.adopt(this.getRootNode()); }",
            )
        };
        world.session.call(adopt).await?;
        opened += 1;
    }
    Ok(opened)
}

/// One node of every closed shadow root of a frame's document, by what `DOMSnapshot.captureSnapshot`
/// answers: columns of numbers, and texts by their place in a list. The roots themselves are not in
/// it; what stands in one is marked, and its outermost nodes have the host for a parent.
fn inside_closed_roots(snapshot: &Json, frame: &str) -> Vec<i64> {
    let text = |index: &Json| -> Option<&str> {
        snapshot["strings"]
            .get(usize::try_from(index.as_i64()?).ok()?)?
            .as_str()
    };
    let documents = snapshot["documents"].as_array().into_iter().flatten();
    let mut found = Vec::new();
    for document in documents.filter(|document| text(&document["frameId"]) == Some(frame)) {
        let nodes = &document["nodes"];
        let kinds = &nodes["shadowRootType"];
        let indexes = kinds["index"].as_array().into_iter().flatten();
        let values = kinds["value"].as_array().into_iter().flatten();
        let marked: BTreeSet<i64> = indexes
            .zip(values)
            .filter(|(_, kind)| text(kind) == Some("closed"))
            .filter_map(|(index, _)| index.as_i64())
            .collect();
        let mut hosts = BTreeSet::new();
        for index in &marked {
            let of = |column: &str| nodes[column].get(usize::try_from(*index).ok()?)?.as_i64();
            if let (Some(parent), Some(node)) = (of("parentIndex"), of("backendNodeId"))
                && !marked.contains(&parent)
                && hosts.insert(parent)
            {
                found.push(node);
            }
        }
    }
    found.truncate(MOST_ROOTS);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_node_of_every_closed_root_of_the_frame_is_named() {
        let snapshot = json!({
            "strings": ["ONE", "TWO", "closed", "open"],
            "documents": [
                {
                    "frameId": 0,
                    "nodes": {
                        "parentIndex": [-1, 0, 1, 1, 2, 0, 5],
                        "backendNodeId": [10, 11, 12, 13, 14, 15, 16],
                        // 1 hosts a closed root with 2, 3 and, inside of 2, 4; 5 hosts an open one.
                        "shadowRootType": { "index": [2, 3, 4, 6, 99], "value": [2, 2, 2, 3, 2] },
                    },
                },
                {
                    "frameId": 1,
                    "nodes": {
                        "parentIndex": [-1, 0],
                        "backendNodeId": [20, 21],
                        "shadowRootType": { "index": [1], "value": [2] },
                    },
                },
            ],
        });
        assert_eq!(inside_closed_roots(&snapshot, "ONE"), [12]);
        assert_eq!(inside_closed_roots(&snapshot, "TWO"), [21]);
        assert_eq!(inside_closed_roots(&snapshot, "THREE"), [0_i64; 0]);
        assert_eq!(
            inside_closed_roots(&json!({ "documents": 7 }), "ONE"),
            [0_i64; 0]
        );
    }
}
