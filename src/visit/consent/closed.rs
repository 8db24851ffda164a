//! Looks into closed shadow roots, which no script outside of them can enter.
//!
//! The browser tells where they are and hands them to our own world, which then searches them like
//! everything else. The page cannot see it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::browser::BrowserError;
use crate::browser::browser_protocol::dom::{BackendNodeId, DescribeNodeParams, ResolveNodeParams};
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
    let mut roots = Vec::new();
    for host in hosts_of_closed_roots(&snapshot, &world.frame) {
        // What stands in a closed root may host others.
        let describe = DescribeNodeParams {
            backend_node_id: Some(BackendNodeId::new(host)),
            depth: Some(-1),
            pierce: Some(true),
            ..DescribeNodeParams::default()
        };
        let answer = world.session.call(describe).await?;
        closed_roots(&answer["node"], &mut roots);
    }
    let mut opened = 0;
    for root in roots {
        let resolve = ResolveNodeParams {
            backend_node_id: Some(BackendNodeId::new(root)),
            execution_context_id: Some(ExecutionContextId::new(world.context)),
            ..ResolveNodeParams::default()
        };
        let answer = world.session.call(resolve).await?;
        let Some(object) = answer["object"]["objectId"].as_str() else {
            continue;
        };
        let adopt = CallFunctionOnParams {
            object_id: Some(object.to_owned().into()),
            ..CallFunctionOnParams::new("function () { globalThis.consentinel.adopt(this); }")
        };
        world.session.call(adopt).await?;
        opened += 1;
    }
    Ok(opened)
}

/// The closed shadow roots of a node as `DOM.describeNode` answers it, and of everything in it.
fn closed_roots(node: &Json, found: &mut Vec<i64>) {
    // Levels are kept by hand: a page may nest deeper than a stack goes.
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if found.len() >= MOST_ROOTS {
            return;
        }
        if node["shadowRootType"].as_str() == Some("closed") {
            found.extend(node["backendNodeId"].as_i64());
        }
        for below in ["children", "shadowRoots"] {
            open.extend(node[below].as_array().into_iter().flatten());
        }
    }
}

/// The outermost hosts of closed shadow roots of a frame's document, by what `DOMSnapshot.captureSnapshot`
/// answers: columns of numbers, and texts by their place in a list. The roots themselves are not in
/// it; what stands in one is marked, and its outermost nodes have the host for a parent.
fn hosts_of_closed_roots(snapshot: &Json, frame: &str) -> Vec<i64> {
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
        let number = |column: &str, index: i64| -> Option<i64> {
            nodes[column].get(usize::try_from(index).ok()?)?.as_i64()
        };
        let hosts: BTreeSet<i64> = marked
            .iter()
            .filter_map(|index| number("parentIndex", *index))
            .filter(|parent| !marked.contains(parent))
            .collect();
        found.extend(
            hosts
                .into_iter()
                .filter_map(|host| number("backendNodeId", host)),
        );
    }
    found.truncate(MOST_ROOTS);
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_hosts_of_closed_roots_of_the_frame_are_named() {
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
        assert_eq!(hosts_of_closed_roots(&snapshot, "ONE"), [11]);
        assert_eq!(hosts_of_closed_roots(&snapshot, "TWO"), [20]);
        assert_eq!(hosts_of_closed_roots(&snapshot, "THREE"), [0_i64; 0]);
        assert_eq!(
            hosts_of_closed_roots(&json!({ "documents": 7 }), "ONE"),
            [0_i64; 0]
        );
    }

    #[test]
    fn closed_roots_in_closed_roots_are_named() {
        let root = |kind: &str, number: i64, children: Json| json!({ "shadowRootType": kind, "backendNodeId": number, "children": children });
        let inner = json!({ "backendNodeId": 4, "shadowRoots": [root("closed", 5, json!([]))] });
        let host = json!({ "backendNodeId": 1, "shadowRoots": [root("closed", 2, json!([
            { "backendNodeId": 3, "children": [inner] },
            { "backendNodeId": 6, "shadowRoots": [root("open", 7, json!([]))] },
        ]))] });
        let mut found = Vec::new();
        closed_roots(&host, &mut found);
        assert_eq!(found, [2, 5]);
        closed_roots(&json!("a page's word"), &mut found);
        assert_eq!(found.len(), 2);
    }
}
