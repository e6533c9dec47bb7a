import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

/** Lua's unpack() fails somewhat above 7000 values; chunks stay far below and don't hold the server up. */
export const IDS_PER_CALL = 1000;

/** A script on the server: sent once, then called by its digest. */
export class Script {
  readonly #source: string;
  readonly #digest: string;

  constructor(source: string) {
    this.#source = source;
    this.#digest = createHash('sha1').update(source).digest('hex');
  }

  async run(
    redis: Redis,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    try {
      return await redis.call('EVALSHA', this.#digest, keys.length, ...keys, ...args);
    } catch (error) {
      // NOSCRIPT: a fresh or flushed server, which therefore hasn't run anything yet.
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
      return redis.call('EVAL', this.#source, keys.length, ...keys, ...args);
    }
  }
}

/**
 * Renews leases: resets the idle time of those ids that are still ours. XCLAIM alone would take back what another
 * consumer has claimed since. Looks up the whole range at once and asks one by one only where ours aren't dense.
 * KEYS stream · ARGV group, me, ids ascending · returns ids that are not ours any more
 */
export const RENEW = new Script(`
local own, n = {}, #ARGV - 2
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[#ARGV], n, ARGV[2])
for i = 1, #pending do own[pending[i][1]] = true end
local claim, lost = {KEYS[1], ARGV[1], ARGV[2], 0}, {}
for i = 3, #ARGV do
  local id = ARGV[i]
  if not own[id] and #pending == n and redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2])[1] then
    own[id] = true
  end
  if own[id] then claim[#claim + 1] = id else lost[#lost + 1] = id end
end
if #claim > 4 then
  claim[#claim + 1] = 'JUSTID'
  redis.call('XCLAIM', unpack(claim))
end
return lost`);

/**
 * Takes pending entries over, either anybody's that have idled (victim '') or one consumer's. Never our own.
 * With KEYS[2] only if that liveness key is gone; then a victim left without pending entries is deleted, here where
 * nobody can read under its name in between.
 * KEYS stream, [liveness] · ARGV group, me, victim, min idle ms, want, scan, cursor ('-' first)
 * Returns {next cursor ('-' = all seen), {{id, fields, deliveries}}, {ids of trimmed entries}} or nil (victim lives)
 */
export const CLAIM = new Script(`
if KEYS[2] and redis.call('EXISTS', KEYS[2]) == 1 then return false end
local me, victim, want, scan, cursor = ARGV[2], ARGV[3], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]
local query = {KEYS[1], ARGV[1], 'IDLE', ARGV[4], cursor, '+', scan}
if victim ~= '' then query[8] = victim end
local pending = redis.call('XPENDING', unpack(query))
local taken, trimmed = {}, {}
for i = 1, #pending do
  if #taken >= want then return {cursor, taken, trimmed} end
  local id = pending[i][1]
  cursor = '(' .. id
  if pending[i][2] ~= me then
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], me, 0, id)[1]
    if entry and entry[2] then
      taken[#taken + 1] = {id, entry[2], pending[i][4] + 1}
    else
      trimmed[#trimmed + 1] = id
      redis.call('XACK', KEYS[1], ARGV[1], id)
    end
  end
end
if #pending < scan then cursor = '-' end
if KEYS[2] and #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, victim) == 0 then
  redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], victim)
end
return {cursor, taken, trimmed}`);

/**
 * Fetches entries that stand under our own name though we never got them: a read took them whose reply was lost.
 * KEYS stream · ARGV group, me, ids · returns as CLAIM does
 */
export const RECOVER = new Script(`
local taken, trimmed = {}, {}
for i = 3, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])[1]
  if pending then
    local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[i])[1]
    if entry and entry[2] then
      taken[#taken + 1] = {ARGV[i], entry[2], pending[4] + 1}
    else
      trimmed[#trimmed + 1] = ARGV[i]
      redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
    end
  end
end
return {'-', taken, trimmed}`);

/**
 * Gives entries back: to a consumer that doesn't exist, idle long enough for anybody to claim, and with the count
 * that they had before this delivery. Skips what isn't ours any more, so it may be repeated.
 * KEYS stream · ARGV group, me, released, idle ms, ids
 */
export const RELEASE = new Script(`
for i = 5, #ARGV do
  local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1, ARGV[2])[1]
  if pending then
    local count = math.max(pending[4] - 1, 0)
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[3], 0, ARGV[i], 'IDLE', ARGV[4], 'RETRYCOUNT', count, 'JUSTID')
  end
end
return 1`);

/**
 * Stores the original with our headers beside its own, and acknowledges it. The fields are copied here, so the bytes
 * stay what they were. Of our headers all win except where the original has an x-original-* already.
 * KEYS stream, dead letters, marker · ARGV group, me, id, marker ttl ms, 'delete' or '', number of header
 * arguments, headers…, fields to use if the entry was trimmed…
 * Returns 1 stored (now or by an earlier call), 0 not ours any more, -1 trimmed and no fields given
 */
export const DEAD_LETTER = new Script(`
local stream, group, id = KEYS[1], ARGV[1], ARGV[3]
if not redis.call('XPENDING', stream, group, id, id, 1, ARGV[2])[1] then
  return redis.call('EXISTS', KEYS[3])
end
local ours, order, n = {}, {}, tonumber(ARGV[6])
for i = 7, 6 + n, 2 do
  ours[ARGV[i]] = ARGV[i + 1]
  order[#order + 1] = ARGV[i]
end
local entry = redis.call('XRANGE', stream, id, id)[1]
local original = entry and entry[2] or {unpack(ARGV, 7 + n)}
if #original == 0 then return -1 end
local record = {}
for i = 1, #original, 2 do
  local name = original[i]
  if ours[name] and string.sub(name, 1, 11) == 'x-original-' then ours[name] = nil end
  if not ours[name] then
    record[#record + 1] = name
    record[#record + 1] = original[i + 1]
  end
end
for i = 1, #order do
  if ours[order[i]] then
    record[#record + 1] = order[i]
    record[#record + 1] = ours[order[i]]
  end
end
redis.call('XADD', KEYS[2], '*', unpack(record))
redis.call('SET', KEYS[3], 1, 'PX', ARGV[4])
redis.call('XACK', stream, group, id)
if ARGV[5] == 'delete' then redis.call('XDEL', stream, id) end
return 1`);

/**
 * Moves a dead letter to where its group reads replays. Of its headers stay the user's and x-original-*; those given
 * come in addition or instead.
 * KEYS dead letters, destination · ARGV id, headers… · returns 1, or 0 when the record is gone already
 */
export const REPLAY = new Script(`
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local given, fields = {}, {}
for i = 2, #ARGV, 2 do given[ARGV[i]] = true end
local foreign = {original_message_id = true, retry_count = true, dlq_timestamp = true}
for i = 1, #entry[2], 2 do
  local name = entry[2][i]
  local ours = string.sub(name, 1, 2) == 'x-' and string.sub(name, 1, 11) ~= 'x-original-'
  if not (given[name] or ours or foreign[name]) then
    fields[#fields + 1] = name
    fields[#fields + 1] = entry[2][i + 1]
  end
end
for i = 2, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1`);

/**
 * Counts a group's dead letters page by page, without sending their bodies.
 * KEYS dead letters · ARGV group, cursor ('-' first), page size · returns {count, next cursor or ''}
 */
export const COUNT_DEAD_LETTERS = new Script(`
local page = redis.call('XRANGE', KEYS[1], ARGV[2], '+', 'COUNT', ARGV[3])
local count = 0
for i = 1, #page do
  local fields = page[i][2]
  for f = 1, #fields, 2 do
    if fields[f] == 'x-group' and fields[f + 1] == ARGV[1] then count = count + 1 break end
  end
end
return {count, #page < tonumber(ARGV[3]) and '' or '(' .. page[#page][1]}`);

/**
 * Removes what every group has acknowledged: all before the oldest entry that some group, known to us or not, has
 * pending or hasn't been handed. A stream without a group is left alone.
 * KEYS stream · returns how many were removed
 */
export const TRIM_HANDLED = new Script(`
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local groups = redis.call('XINFO', 'GROUPS', KEYS[1])
local time, sequence
local function keepFrom(id, step)
  local t, s = string.match(id, '(%d+)-(%d+)')
  t, s = tonumber(t), tonumber(s) + step
  if not time or t < time or (t == time and s < sequence) then time, sequence = t, s end
end
for i = 1, #groups do
  local info = {}
  for f = 1, #groups[i], 2 do info[groups[i][f]] = groups[i][f + 1] end
  if info['pending'] > 0 then
    keepFrom(redis.call('XPENDING', KEYS[1], info['name'])[2], 0)
  else
    keepFrom(info['last-delivered-id'], 1)
  end
end
if not time then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f-%.0f', time, sequence))`);

/**
 * Gives up a consumer's place, unless entries are pending under its name: deleting it would lose them for ever.
 * KEYS liveness, streams… · ARGV group, me
 */
export const LEAVE = new Script(`
redis.call('DEL', KEYS[1])
for i = 2, #KEYS do
  local ok = redis.pcall('XPENDING', KEYS[i], ARGV[1], '-', '+', 1, ARGV[2])
  if not ok.err and #ok == 0 then redis.pcall('XGROUP', 'DELCONSUMER', KEYS[i], ARGV[1], ARGV[2]) end
end
return 1`);
