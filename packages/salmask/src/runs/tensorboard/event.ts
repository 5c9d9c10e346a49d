/** TensorBoard's events as protobuf messages: `event.proto` and `summary.proto` of tensorflow. */

/** The way a field's value is written. */
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.of(...bytes, rest);
}

const field = (number: number, type: keyof typeof wire, value: Uint8Array) =>
  Buffer.concat([varint(8 * number + wire[type]), value]);

const message = (number: number, ...fields: readonly Uint8Array[]) => {
  const content = Buffer.concat(fields);
  return field(number, "bytes", Buffer.concat([varint(content.length), content]));
};

const text = (number: number, value: string) => message(number, Buffer.from(value));

function float(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return field(number, "fixed32", bytes);
}

function double(number: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return field(number, "fixed64", bytes);
}

/** When and where in the run an event was: seconds since 1970, and completed steps. */
export interface EventPlace {
  readonly time: number;
  readonly step: number;
}

const event = ({ time, step }: EventPlace, what: Uint8Array) =>
  Buffer.concat([double(1, time), field(2, "varint", varint(step)), what]);

/** The first event of a file. */
export const versionEvent = (time: number): Uint8Array => event({ time, step: 0 }, text(3, "brain.Event:2"));

/** Numbers of a step, by their tags. */
export function scalarsEvent(place: EventPlace, scalars: Readonly<Record<string, number>>): Uint8Array {
  const values = Object.entries(scalars).map(([tag, value]) => message(1, text(1, tag), float(2, value)));
  return event(place, message(5, ...values));
}

/** A process begins with this step: readers forget events of it, and of later steps, that came before. */
export const startEvent = (place: EventPlace): Uint8Array =>
  event(place, message(7, field(1, "varint", varint(1))));
