import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { findSecrets, redactSecrets, withoutSecrets } from '../src/secrets.ts'

// Put together here, so that no scanner takes this file for a leak.
const join = (...parts: readonly string[]): string => parts.join('')
const x = (count: number, text = 'aB3'): string => text.repeat(count).slice(0, count)

const SECRETS: readonly (readonly [kind: string, secret: string])[] = [
  ['github-token', join('gh', 'p_', x(36))],
  ['github-token', join('github', '_pat_', x(40))],
  ['gitlab-token', join('gl', 'pat-', x(20))],
  ['anthropic-key', join('sk-', 'ant-', 'api03-', x(40))],
  ['openai-key', join('sk-', 'proj-', x(48))],
  ['openai-key', join('sk-', x(48))],
  ['openrouter-key', join('sk-', 'or-v1-', x(64, '0a9'))],
  ['aws-access-key', join('AK', 'IA', x(16, 'Q2Z'))],
  ['google-api-key', join('AI', 'za', x(35))],
  ['slack-token', join('xo', 'xb-', '1234567890-', x(24))],
  ['stripe-key', join('sk_', 'live_', x(24))],
  ['npm-token', join('np', 'm_', x(36))],
  ['huggingface-token', join('h', 'f_', x(34))],
  ['sendgrid-key', join('S', 'G.', x(22), '.', x(43))],
  ['jwt', join('ey', 'J', x(20), '.ey', 'J', x(30), '.', x(43))],
  ['private-key', join('-----BEGIN RSA PRIV', 'ATE KEY-----\n', x(64), '\n-----END RSA PRIVATE KEY-----')],
]

describe('secrets', () => {
  test.each(SECRETS)('a %s is found in the middle of a text', (kind, secret) => {
    for (const [before, after] of [
      ['', ''],
      ['the key is "', '", keep it'],
      ['export KEY=', '\n'],
    ]) {
      const text = `${before}${secret}${after}`
      const start = before!.length
      expect(findSecrets(text)).toEqual([{ kind, start, end: start + secret.length }])
      expect(withoutSecrets(text)).toBe(`${before}[redacted:${kind}]${after}`)
    }
  })

  test('only the password of a URL and the value of a setting is a secret', () => {
    const text = `postgres://me:hunter2@db.example.com/x aws_secret_access_key = ${x(40)}`
    expect(findSecrets(text).map(({ start, end }) => text.slice(start, end))).toEqual(['hunter2', x(40)])
  })

  test('ordinary text has none', () => {
    const texts = [
      'https://example.com:8080/a@b task-sk-1 sk-learn npm_config_cache AKIAshort 01M7XVMR0GBR6T8XW8V4ECY7XQ',
      'sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      '123e4567-e89b-12d3-a456-426614174000 eyJhbGciOiJIUzI1NiJ9 user@example.com -----BEGIN PUBLIC KEY-----',
    ]
    for (const text of texts) expect(findSecrets(text)).toEqual([])
  })

  test('secrets are in order and apart, and nothing else of a text changes', () => {
    const text = fc.array(fc.oneof(fc.string(), fc.constantFrom(...SECRETS.map(([, secret]) => secret))))
    fc.assert(
      fc.property(text, (parts) => {
        const all = parts.join(' ')
        const found = findSecrets(all)
        for (const [i, { start, end }] of found.entries()) {
          expect(start).toBeGreaterThanOrEqual(found[i - 1]?.end ?? 0)
          expect(end).toBeGreaterThan(start)
        }
        expect(findSecrets(withoutSecrets(all))).toEqual([])
      }),
    )
  })

  test('long texts of nearly secrets take no time worth speaking of', () => {
    for (const unit of ['eyJaaaaaaaaaaaa.', 'a:', '://a:b', '-----BEGIN PRIVATE KEY-----', 'sk-', 'x://aaaa:']) {
      expect(findSecrets(unit.repeat(2e5 / unit.length)).length).toBeLessThan(2e5)
    }
  })

  test('the hook cleans strings and names at any depth', () => {
    const [, secret] = SECRETS[0]!
    const data = { a: [{ [secret]: `x ${secret}` }], n: 1, t: null }
    expect(redactSecrets({ data })).toEqual({
      a: [{ '[redacted:github-token]': 'x [redacted:github-token]' }],
      n: 1,
      t: null,
    })
  })
})
