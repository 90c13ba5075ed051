//! What reading holds does not grow with the file, and what it takes is told.

#![cfg(not(target_arch = "wasm32"))]

#[path = "common/generate.rs"]
mod generate;

use std::io::{BufWriter, Seek, Write};

use conversation_formats::reader::{Options, Reader};

/// The most memory that this process ever had, in KB, where the system tells (Linux).
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

#[test]
fn a_large_file_is_read_in_little_memory() {
    let megabytes = std::env::var("EXPORT_MEGABYTES").map_or(20, |text| text.parse().unwrap());
    let path = std::env::temp_dir().join(format!("chatgpt-export-{}.json", std::process::id()));
    let mut file = std::fs::File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut writer = BufWriter::new(&mut file);
    let expected = generate::export(1, megabytes * 1_000_000, &mut writer).unwrap();
    writer.flush().unwrap();
    drop(writer);
    file.rewind().unwrap();

    let before = peak();
    let began = std::time::Instant::now();
    let mut reader = Reader::new(file, Options::default()).unwrap();
    let (mut chats, mut messages) = (0, 0);
    while let Some(batch) = reader.next() {
        assert!(batch.failures.is_empty());
        let text = serde_json::to_string(&batch.conversations).unwrap();
        assert!(text.len() < 2 << 20);
        chats += batch.conversations.len();
        messages += batch
            .conversations
            .iter()
            .map(|chat| chat.messages.len())
            .sum::<usize>();
    }
    let grown = peak() - before;
    assert_eq!(chats, expected);
    println!(
        "{megabytes} MB, {chats} chats, {messages} messages in {:?}, {grown} KB more",
        began.elapsed()
    );
    assert!(grown < 8 << 10, "{grown} KB were taken");
}
