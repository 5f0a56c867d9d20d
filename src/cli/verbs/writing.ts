/** Verbs that make sessions, or change what they say. */
import type { Verb } from '../spec.ts'

export const WRITING: readonly Verb[] = [
  {
    name: 'import',
    summary: 'takes over transcripts of Claude Code',
    details: [
      'Into the namespace of -n, else `default`. What is there already is not added again, so an import can be repeated at any time.',
      'Lines that cannot be read are told by file and line and stop nothing.',
    ],
    argument: {
      name: 'PATH',
      isOptional: false,
      isMany: true,
      text: 'transcripts, or directories with all below them',
    },
    options: [
      { name: 'shared', text: 'into a shared root: write files of its own, as all who write to such a root must' },
    ],
    examples: [
      { command: 'foldlog import ~/.claude/projects', text: 'everything' },
      { command: 'foldlog import -n work ~/.claude/projects/-home-me-work', text: 'one project, into a namespace' },
    ],
    load: async () => (await import('../import.ts')).importTranscripts,
  },
]
