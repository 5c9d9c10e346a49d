/** What is asked of a reading process, what it answers, and the limits that it is held to. */
import { z } from "zod";

/** No file may take longer, in seconds. */
export const longest = 10;
/** No process may be resident with more bytes. */
export const mostMemory = 2e9;

const peak = z.number();

export const answerSchema = z.discriminatedUnion("kind", [
  /** It was read; `content` is a hash of what, of a file whose content is protected by a checksum. */
  z.object({ kind: z.literal("read"), content: z.string().nullable(), peak }),
  /** A typed error refused it. */
  z.object({ kind: z.literal("refused"), code: z.string(), peak }),
  /** An error that people would see as a stack trace, or another state that must not be. */
  z.object({ kind: z.literal("untyped"), message: z.string(), peak }),
]);

export type Answer = z.infer<typeof answerSchema>;

/** What became of a file. */
export type Outcome =
  | Answer
  | { readonly kind: "crashed"; readonly message: string }
  | { readonly kind: "hung"; readonly seconds: number }
  | { readonly kind: "too much memory"; readonly peak: number };
