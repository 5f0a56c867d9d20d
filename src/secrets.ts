/**
 * Secrets that look like nothing else: keys and tokens with a shape of their own.
 *
 * To be run on decoded strings, not on lines: JSON may have escaped a part of one. A shape that ordinary text could have is not in the
 * list, because whatever is found may be removed for good. Everything in this file is pure.
 */
import type { InnerEvent } from './line.ts'
import { isArray, setOwn, type Json } from './json.ts'

/** A secret in a text, from `start` up to `end`. */
export interface Secret {
  /** What it is: `github-token`, `private-key`. */
  readonly kind: string
  readonly start: number
  readonly end: number
}

// Every pattern is linear: no two parts that repeat can match the same characters. What a token begins with must not go on a word.
const PATTERNS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  [
    'private-key',
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END )[^]){0,20000}(?:-----END [A-Z0-9 ]{0,40}-----)?/g,
  ],
  ['anthropic-key', /\bsk-ant-[\w-]{20,}/g],
  ['openai-key', /\bsk-(?:proj-|svcacct-|admin-)[\w-]{20,}|\bsk-[A-Za-z0-9]{32,}\b/g],
  ['openrouter-key', /\bsk-or-v1-[0-9a-f]{32,}\b/g],
  ['github-token', /\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}/g],
  ['gitlab-token', /\bgl(?:pat|dt|rt|ptt|ft|soat|cbt|agent)-[\w-]{20,}/g],
  ['aws-access-key', /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b/g],
  [
    'aws-secret-key',
    /(?<=\baws_?(?:secret_?access_?key|secret)["']?\s{0,4}[=:]\s{0,4}["']?)[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])/gi,
  ],
  ['google-api-key', /\bAIza[\w-]{35}(?![\w-])/g],
  ['google-oauth', /\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{28}/g],
  ['slack-token', /\bxox[abeprs]-[\w-]{10,}|\bxapp-\d-[\w-]{20,}/g],
  ['slack-webhook', /https:\/\/hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/-]{20,}/g],
  ['stripe-key', /\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9]{24,}/g],
  ['npm-token', /\bnpm_[A-Za-z0-9]{36}\b/g],
  ['pypi-token', /\bpypi-AgE[\w-]{50,}/g],
  ['huggingface-token', /\bhf_[A-Za-z0-9]{30,}\b/g],
  ['sendgrid-key', /\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])/g],
  ['twilio-key', /\bSK[0-9a-f]{32}\b/g],
  ['digitalocean-token', /\bdo[opr]_v1_[0-9a-f]{64}\b/g],
  ['azure-storage-key', /(?<=\bAccountKey=)[A-Za-z0-9/+]{86}==/g],
  ['telegram-token', /\b\d{8,10}:AA[\w-]{33}(?![\w-])/g],
  ['jwt', /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g],
  ['url-password', /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'<>]{1,100}:)[^\s:/@"'<>]{3,200}(?=@[\w.-])/gi],
]

/** The secrets in a text, in order, none within another. */
export function findSecrets(text: string): Secret[] {
  const found: Secret[] = []
  for (const [kind, pattern] of PATTERNS) {
    for (const { 0: match, index } of text.matchAll(pattern)) {
      const secret = { kind, start: index, end: index + match.length }
      if (!found.some(({ start, end }) => secret.start < end && start < secret.end)) found.push(secret)
    }
  }
  return found.sort((a, b) => a.start - b.start)
}

/** A text with its secrets replaced by `[redacted:<kind>]`. */
export function withoutSecrets(text: string): string {
  let [out, from] = ['', 0]
  for (const { end, kind, start } of findSecrets(text)) {
    out += `${text.slice(from, start)}[redacted:${kind}]`
    from = end
  }
  return from === 0 ? text : out + text.slice(from)
}

/** For `openStore({ redact: redactSecrets })`: takes every secret that `findSecrets` knows out of what is written. */
export function redactSecrets({ data }: Pick<InnerEvent, 'data'>): Json {
  return clean(data)
}

function clean(value: Json): Json {
  if (typeof value === 'string') return withoutSecrets(value)
  if (typeof value !== 'object' || value === null) return value
  if (isArray(value)) return value.map(clean)
  const out = {}
  for (const [name, item] of Object.entries(value)) setOwn(out, withoutSecrets(name), clean(item))
  return out
}
