/** Verbs that make sessions, or change what they say. */
import { SHARED, type Verb } from '../spec.ts'

export const WRITING: readonly Verb[] = [
  {
    name: 'import',
    summary: 'takes over sessions of other tools',
    details: [
      'Of Claude Code, Codex, pi, opencode and Gemini CLI; exports of ChatGPT; messages of OpenAI Chat and ShareGPT. What a file is, is told by its content.',
      'Without PATH: from where these tools keep their sessions on this machine, ~/.claude/projects and the like.',
      'Into the namespace of -n, else `default`. What is there already is not added again, so an import can be repeated, or broken off, at any time.',
      'Ends with what was left out, and why. Lines that cannot be read are told by file and line and stop nothing.',
    ],
    argument: {
      name: 'PATH',
      isOptional: true,
      isMany: true,
      text: 'files, or directories with all below them',
    },
    options: [
      {
        name: 'format',
        value: 'NAME',
        text: 'take all files for this: claude-code, codex, pi, opencode, gemini-cli, chatgpt, openai-chat, sharegpt',
      },
      { name: 'since', value: 'TIME', text: 'only files that were changed since then: 2026-11-20, 7d' },
      SHARED,
    ],
    examples: [
      { command: 'foldlog import', text: 'everything that is found' },
      { command: 'foldlog import ~/.codex/sessions --since 7d', text: 'what Codex wrote in the last week' },
      { command: 'foldlog import -n work ~/.claude/projects/-home-me-work', text: 'one project, into a namespace' },
    ],
    load: async () => (await import('../import.ts')).importTranscripts,
  },
]
