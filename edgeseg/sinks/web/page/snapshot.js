// Saves what is shown: the picture as it came, and its class ids as a one-channel PNG of the same name.

/** Downloads NAME.jpg and NAME.png, as a data set wants them; gives NAME. */
export async function save(current) {
  const time = new Date(Date.now() - 60000 * new Date().getTimezoneOffset()).toISOString();
  const name = `${time.slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}-${String(current.index).padStart(6, "0")}`;
  const { width, height } = current.bitmap;
  const mask = await png(stretched(current, width, height), width, height);
  download(current.jpeg, `${name}.jpg`);
  download(mask, `${name}.png`);
  return name;
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/** Class ids at another size by nearest neighbour with pixel centres aligned. */
function stretched({ labels, width: from, height: fromHeight }, width, height) {
  const columns = Int32Array.from({ length: width }, (_, x) => Math.floor(((x + 0.5) * from) / width));
  const ids = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * fromHeight) / height) * from;
    for (let x = 0; x < width; x++) ids[y * width + x] = labels[row + columns[x]];
  }
  return ids;
}

/** A canvas would write four channels and colours; this writes one channel and the ids themselves. */
async function png(ids, width, height) {
  const rows = new Uint8Array((width + 1) * height); // each row begins with its filter, 0
  for (let y = 0; y < height; y++) rows.set(ids.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const deflated = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits of a sample; all else 0: grey, deflate, no interlacing
  const data = new Uint8Array(await new Response(deflated).arrayBuffer());
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const parts = [signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
  return new Blob(parts, { type: "image/png" });
}

function chunk(kind, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc(bytes.subarray(4, data.length + 8)));
  return bytes;
}

function crc(bytes) {
  let value = -1;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return ~value >>> 0;
}
