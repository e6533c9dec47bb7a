/** Reads what Kafka writes, from one place in a buffer to the next. */
export class Bytes {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  get left(): number {
    return this.buffer.length - this.at;
  }

  int8(): number {
    return this.buffer.readInt8(this.#forward(1));
  }

  int16(): number {
    return this.buffer.readInt16BE(this.#forward(2));
  }

  int32(): number {
    return this.buffer.readInt32BE(this.#forward(4));
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.#forward(8));
  }

  text(): string {
    const length = this.int16();
    return this.buffer.toString('utf8', this.at, (this.at += length));
  }

  /** One of 32 bits, zigzag-encoded. */
  varint(): number {
    const { buffer } = this;
    let byte = buffer[this.at++] as number;
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      byte = buffer[this.at++] as number;
      value |= (byte & 0x7f) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** One of 64 bits, exact as a number up to 2^53. */
  varlong(): number {
    let value = 0;
    let weight = 1;
    for (;;) {
      const byte = this.buffer[this.at++] as number;
      value += (byte & 0x7f) * weight;
      if (byte <= 0x7f) break;
      weight *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Passes over what stands behind its own length, which is -1 for null. */
  pass(): void {
    const length = this.varint();
    if (length > 0) this.at += length;
  }

  #forward(length: number): number {
    const from = this.at;
    this.at += length;
    return from;
  }
}
