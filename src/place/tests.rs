use super::*;

const OPFS: Recorded = Recorded::At {
    storage: StorageKind::Opfs,
    made: true,
};
const INDEXEDDB: Recorded = Recorded::At {
    storage: StorageKind::Indexeddb,
    made: true,
};
/// The making of either was begun.
const OPFS_BEGUN: Recorded = Recorded::At {
    storage: StorageKind::Opfs,
    made: false,
};
const INDEXEDDB_BEGUN: Recorded = Recorded::At {
    storage: StorageKind::Indexeddb,
    made: false,
};

fn fails(is_seen: bool) -> InOpfs {
    InOpfs::Unusable {
        error: unavailable("planted"),
        is_seen,
    }
}

/// A plan in few letters: what is opened (`o`, `i`), moved (`m`), made (`+`) or made after an eviction (`!`);
/// or the code.
fn short(plan: Result<Plan>) -> String {
    let letter = |storage| match storage {
        StorageKind::Opfs => 'o',
        StorageKind::Indexeddb => 'i',
        StorageKind::Memory => '?',
    };
    match plan {
        Ok(Plan::Open(storage)) => letter(storage).to_string(),
        Ok(Plan::Move) => "m".to_owned(),
        Ok(Plan::Make { storage, evicted }) => {
            format!("{}{}", if evicted { '!' } else { '+' }, letter(storage))
        }
        Err(error) => format!("{:?}", error.code),
    }
}

#[test]
fn where_a_database_is_opened() {
    const GONE: &str = "StorageUnavailable";
    let held = InOpfs::Held;
    let absent = InOpfs::Absent;
    let staged = InOpfs::Staged;
    // Recorded, in IndexedDB, in OPFS; then what 'auto', 'opfs' and 'indexeddb' do.
    for (recorded, there, opfs, expected) in [
        (Recorded::Nothing, false, &absent, ["+o", "+o", "+i"]),
        (Recorded::Nothing, false, &held, ["o", "o", "Conflict"]),
        (Recorded::Nothing, false, &fails(false), ["+i", GONE, "+i"]),
        (
            Recorded::Nothing,
            false,
            &fails(true),
            [GONE, GONE, "Conflict"],
        ),
        (Recorded::Nothing, false, &staged, ["Corrupt"; 3]),
        (Recorded::Unknown, false, &absent, ["+o", "+o", "+i"]),
        (Recorded::Unknown, false, &held, ["o", "o", "Conflict"]),
        (Recorded::Unknown, false, &fails(false), [GONE; 3]),
        (Recorded::Unknown, false, &staged, [GONE; 3]),
        (OPFS, false, &held, ["o", "o", "Conflict"]),
        (OPFS, false, &staged, ["o", "o", "Conflict"]),
        (OPFS, false, &absent, ["!o", "!o", "!i"]),
        (OPFS, false, &fails(false), [GONE, GONE, "Conflict"]),
        (OPFS, false, &fails(true), [GONE, GONE, "Conflict"]),
        (OPFS_BEGUN, false, &absent, ["+o", "+o", "+i"]),
        (OPFS_BEGUN, false, &fails(false), [GONE, GONE, "Conflict"]),
        (INDEXEDDB, true, &absent, ["i", "m", "i"]),
        (INDEXEDDB, true, &staged, ["i", "m", "i"]),
        (INDEXEDDB, true, &held, ["i", "Conflict", "i"]),
        (INDEXEDDB, true, &fails(false), ["i", GONE, "i"]),
        (INDEXEDDB_BEGUN, true, &absent, ["i", "m", "i"]),
        (INDEXEDDB, false, &absent, ["!o", "!o", "!i"]),
        (INDEXEDDB, false, &fails(false), ["!i", GONE, "!i"]),
        (INDEXEDDB, false, &staged, ["Corrupt"; 3]),
        (INDEXEDDB, false, &held, ["o", "o", "Conflict"]),
        (INDEXEDDB_BEGUN, false, &absent, ["+o", "+o", "+i"]),
        (INDEXEDDB_BEGUN, false, &fails(false), ["+i", GONE, "+i"]),
    ] {
        let wanted = [
            StorageOption::Auto,
            StorageOption::Opfs,
            StorageOption::Indexeddb,
        ];
        let found = wanted.map(|wanted| short(plan(wanted, recorded, there, opfs)));
        assert_eq!(found, expected, "{recorded:?} {there} {opfs:?}");
    }
}
