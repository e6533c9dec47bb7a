import { isIP } from 'node:net';
import { z } from 'zod';

/** @see InspectorOptions */
export const inspectorOptionsSchema = z.strictObject({
  /** Where the page is served; 0 takes a free one (0). */
  port: z.int().min(0).max(65_535).optional(),
  /** The interface to listen on ('127.0.0.1'). On any other one, whoever has the URL can watch from elsewhere. */
  host: z.string().min(1).optional(),
  /** Names beside `host` and plain addresses that the page may be opened under, such as that of a proxy. */
  allowedHosts: z.array(z.string().min(1)).optional(),
  /** The page may pause, resume, replay and purge (false). */
  allowActions: z.boolean().optional(),
  /** How much of events is shown, in dead letters too: `'none'`, `'redacted'` (keys with types) or `'full'` ('none'). */
  payloads: z.enum(['none', 'redacted', 'full']).optional(),
  /** Part of the URL, and asked for by all but the page's own files; 22 characters or more (192 random bits, new at every start). */
  token: z
    .string()
    .regex(/^[\w-]{22,200}$/, 'must have 22 or more of the characters A-Z a-z 0-9 _ -')
    .optional(),
});

export type InspectorOptions = z.input<typeof inspectorOptionsSchema>;

/** A host as it stands in a URL. */
export const urlHost = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);
