//! CRC-32 as zip has it. Own code, with tables made when they are needed: a crate's stand in the module,
//! and they are what does not compress.

/// The polynomial of zip, gzip and PNG, its bits reversed (APPNOTE 4.4.7).
const POLYNOMIAL: u32 = 0xedb8_8320;

/// A checksum under way.
pub struct Crc {
    /// For a byte that is followed by so many others, what it does to the sum.
    tables: Vec<[u32; 256]>,
    sum: u32,
}

impl Default for Crc {
    fn default() -> Self {
        Self::new()
    }
}

impl Crc {
    /// Of no bytes.
    pub fn new() -> Self {
        let mut tables = vec![[0; 256]; 8];
        for (byte, entry) in (0_u32..).zip(tables[0].iter_mut()) {
            *entry = (0..8).fold(byte, |sum, _| {
                (sum >> 1) ^ (POLYNOMIAL & (sum & 1).wrapping_neg())
            });
        }
        for after in 1..8 {
            tables[after] =
                tables[after - 1].map(|sum: u32| (sum >> 8) ^ tables[0][(sum & 0xff) as usize]);
        }
        Self { tables, sum: !0 }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let [t0, t1, t2, t3, t4, t5, t6, t7] = &self.tables[..] else {
            return;
        };
        let mut sum = self.sum;
        let eights = bytes.chunks_exact(8);
        let rest = eights.remainder();
        for eight in eights {
            let [a, b, c, d] =
                (sum ^ u32::from_le_bytes([eight[0], eight[1], eight[2], eight[3]])).to_le_bytes();
            sum = t7[usize::from(a)]
                ^ t6[usize::from(b)]
                ^ t5[usize::from(c)]
                ^ t4[usize::from(d)]
                ^ t3[usize::from(eight[4])]
                ^ t2[usize::from(eight[5])]
                ^ t1[usize::from(eight[6])]
                ^ t0[usize::from(eight[7])];
        }
        for byte in rest {
            sum = (sum >> 8) ^ t0[((sum ^ u32::from(*byte)) & 0xff) as usize];
        }
        self.sum = sum;
    }

    /// The checksum.
    pub fn sum(&self) -> u32 {
        !self.sum
    }
}
