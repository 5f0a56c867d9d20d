/**
 * Secrets in text, by the shapes of common tokens. Finds what is certain to be one by its form; a password in prose it does not. Pure.
 */

export interface Secret {
  readonly kind: string
  /** Where it is in the text, in characters; `end` is after it. */
  readonly start: number
  readonly end: number
}

const PATTERNS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['aws-access-key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g],
  ['github-token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})/g],
  ['anthropic-key', /\bsk-ant-[\w-]{20,}/g],
  ['openai-key', /\bsk-(?!ant-)(?:proj-|svcacct-)?[\w-]{32,}/g],
  ['slack-token', /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g],
  ['google-api-key', /\bAIza[\w-]{35}(?![\w-])/g],
  ['jwt', /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{16,}/g],
  ['private-key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/g],
]

/** Every secret in a text, in order of where it starts. */
export function findSecrets(text: string): readonly Secret[] {
  const found = PATTERNS.flatMap(([kind, pattern]) =>
    [...text.matchAll(pattern)].map(({ 0: match, index }) => ({ kind, start: index, end: index + match.length })),
  )
  return found.sort((a, b) => a.start - b.start)
}
