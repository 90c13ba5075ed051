//! Writes an export of ChatGPT, the same at each run:
//! `cargo run --release -p conversation-formats --example chatgpt_export -- <megabytes> <path> [seed]`

#[path = "../tests/common/generate.rs"]
mod generate;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(megabytes), Some(path)) = (arguments.next(), arguments.next()) else {
        return Err("give the size in megabytes, and a path".into());
    };
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(&path)?);
    let count = generate::export(seed, megabytes.parse::<u64>()? * 1_000_000, file)?;
    println!("{path}: {count} conversations");
    Ok(())
}
