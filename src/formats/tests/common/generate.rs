//! An export of ChatGPT of any size, in its real shape, the same from the same seed: trees with edited
//! questions and answers given again, hidden and empty nodes, Korean, code, tools.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

/// Numbers that look random (SplitMix64).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn id(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 48 & 0xfff,
            b & 0xffff_ffff_ffff
        )
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

const SENTENCES: [&str; 8] = [
    "파이썬에서 리스트를 정렬하려면 sorted 함수를 쓰면 됩니다. ",
    "이 오류는 비동기 함수 안에서 블로킹 호출을 했기 때문에 생깁니다. ",
    "다음과 같이 고쳐 보세요 🌱. ",
    "The borrow checker needs to know how long the reference lives. ",
    "먼저 데이터베이스 연결을 하나만 열고, 모든 요청이 그것을 함께 쓰게 합니다. ",
    "Here is what happens, step by step: ",
    "그렇게 하면 응답 시간이 절반으로 줄어듭니다. ",
    "\"따옴표\"와 \\역슬래시\\도 그대로 남아야 합니다. ",
];
const CODE: [&str; 3] = [
    "\n```python\nasync def list_conversations(limit=50):\n    rows = await db.execute(\"SELECT * FROM conversations\")\n    return [dict(r) for r in rows]\n```\n",
    "\n```rust\nfn main() {\n\tlet 인사 = \"안녕\";\n\tprintln!(\"{인사}\");\n}\n```\n",
    "\n```ts\nconst store = await ConversationStore.open('chats');\n```\n",
];

fn text(random: &mut Random, sentences: u64) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(sentences) {
        text += random.pick(&SENTENCES);
        if random.below(8) == 0 {
            text += random.pick(&CODE);
        }
    }
    text
}

/// A conversation.
pub fn conversation(random: &mut Random) -> Value {
    let id = random.id();
    let began = 1_690_000_000.0 + random.below(50_000_000) as f64 + 0.123_456;
    let mut mapping = Map::new();
    let mut add = |id: &str, parent: Option<&str>, message: Value| {
        let above = parent.and_then(|parent| mapping.get_mut(parent));
        if let Some(Value::Array(children)) = above.map(|node| &mut node["children"]) {
            children.push(id.into());
        }
        mapping.insert(
            id.into(),
            json!({ "id": id, "message": message, "parent": parent, "children": [] }),
        );
    };
    let message = |id: &str,
                   role: &str,
                   at: f64,
                   content: Value,
                   recipient: &str,
                   metadata: Value| {
        json!({
            "id": id, "author": { "role": role, "name": null, "metadata": {} }, "create_time": at, "update_time": null,
            "content": content, "status": "finished_successfully", "end_turn": role == "assistant", "weight": 1.0,
            "metadata": metadata, "recipient": recipient, "channel": null,
        })
    };
    let plain = |text: String| json!({ "content_type": "text", "parts": [text] });
    let (root, hidden) = (random.id(), random.id());
    add(&root, None, Value::Null);
    add(
        &hidden,
        Some(&root),
        message(
            &hidden,
            "system",
            began,
            plain(String::new()),
            "all",
            json!({ "is_visually_hidden_from_conversation": true }),
        ),
    );
    let mut last = hidden;
    let mut at = began;
    for _ in 0..=random.below(12) {
        let before = last.clone();
        // An edited question, an answer given again: siblings.
        for _ in 0..=u64::from(random.below(6) == 0) {
            let question = random.id();
            at += 10.0;
            let said = plain(text(random, 4));
            add(
                &question,
                Some(&before),
                message(
                    &question,
                    "user",
                    at,
                    said,
                    "all",
                    json!({ "request_id": random.id(), "timestamp_": "absolute" }),
                ),
            );
            for _ in 0..=u64::from(random.below(8) == 0) {
                let mut above = question.clone();
                if random.below(10) == 0 {
                    let (call, run) = (random.id(), random.id());
                    add(
                        &call,
                        Some(&above),
                        message(
                            &call,
                            "assistant",
                            at,
                            json!({ "content_type": "code", "language": "python", "text": "print(1 + 1)" }),
                            "python",
                            json!({ "model_slug": "gpt-4o" }),
                        ),
                    );
                    add(
                        &run,
                        Some(&call),
                        message(
                            &run,
                            "tool",
                            at,
                            json!({ "content_type": "execution_output", "text": "2" }),
                            "all",
                            json!({ "aggregate_result": { "status": "success", "run_id": random.id() } }),
                        ),
                    );
                    above = run;
                }
                let answer = random.id();
                at += 5.0;
                let said = plain(text(random, 24));
                let metadata = json!({ "model_slug": "gpt-4o", "default_model_slug": "gpt-4o", "finish_details": { "type": "stop", "stop_tokens": [200002] }, "is_complete": true, "citations": [], "content_references": [], "message_type": "next", "request_id": random.id() });
                add(
                    &answer,
                    Some(&above),
                    message(&answer, "assistant", at, said, "all", metadata),
                );
                last = answer;
            }
        }
    }
    json!({
        "title": format!("{}", random.pick(&SENTENCES).trim_end()), "create_time": began, "update_time": at, "mapping": mapping,
        "moderation_results": [], "current_node": last, "plugin_ids": null, "conversation_id": id, "conversation_template_id": null,
        "gizmo_id": null, "is_archived": random.below(20) == 0, "is_starred": null, "safe_urls": [], "default_model_slug": "gpt-4o", "id": id,
    })
}

/// Writes an export of at least so many bytes. Gives how many conversations it has.
pub fn export(seed: u64, bytes: u64, mut to: impl Write) -> io::Result<usize> {
    let mut random = Random(seed);
    let (mut written, mut count) = (1, 0);
    to.write_all(b"[")?;
    while written < bytes {
        let text = conversation(&mut random).to_string();
        if count > 0 {
            to.write_all(b", ")?;
        }
        to.write_all(text.as_bytes())?;
        written += text.len() as u64 + 2;
        count += 1;
    }
    to.write_all(b"]")?;
    to.flush()?;
    Ok(count)
}
