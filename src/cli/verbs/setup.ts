/** Verbs that set foldlog up, and look whether it is. */
import type { Verb } from '../spec.ts'

export const SETUP: readonly Verb[] = [
  {
    name: 'init',
    summary: 'makes a directory for sessions that git knows how to merge',
    details: [
      'Nothing has to be initialised: the first session makes its directory the same way. What is there already is kept, so it can be repeated.',
    ],
    options: [
      { name: 'git', text: 'also do what `foldlog git install` does in this clone' },
      { name: 'shared', text: 'say what else is needed where copies are merged or several machines write' },
    ],
    examples: [
      { command: 'foldlog init', text: '.sessions' },
      { command: 'foldlog init --git', text: 'and readable diffs and hooks in this clone' },
    ],
    load: async () => (await import('../init.ts')).init,
  },
  {
    name: 'doctor',
    summary: 'looks whether everything works here, and says what to do',
    details: [
      'It looks at this node, the root and the disk under it, writes and watches a log of its own in .cache of the root, at the set-up of git, at locks and files that were left behind, at caches, and at every line of every log. Of your sessions it changes nothing.',
      'What is wrong ends it with 1. A note (!) is something to know, and no problem. With --json it prints one object a check: {check, status, text, hints}.',
    ],
    options: [],
    examples: [
      { command: 'foldlog doctor', text: 'look at everything' },
      { command: 'foldlog doctor --json | jq \'select(.status == "problem")\'', text: 'what is wrong, for a program' },
    ],
    load: async () => (await import('../doctor.ts')).doctor,
  },
  {
    name: 'completion',
    summary: 'prints what lets a shell complete verbs, options and ids',
    details: [
      'For bash: source it in ~/.bashrc, or save it as foldlog in ~/.local/share/bash-completion/completions. For zsh: save it as _foldlog in a directory of $fpath. For fish: save it as foldlog.fish in ~/.config/fish/completions.',
    ],
    argument: {
      name: 'SHELL',
      isOptional: false,
      isMany: true,
      most: 2,
      usage: 'SHELL',
      words: ['bash', 'zsh', 'fish'],
      text: 'bash, zsh or fish; `ids BEGINNING` is what the completion calls, and prints ids and titles',
    },
    options: [],
    examples: [
      { command: 'source <(foldlog completion bash)', text: 'for this bash' },
      { command: 'foldlog completion fish > ~/.config/fish/completions/foldlog.fish', text: 'for every fish' },
    ],
    load: async () => (await import('../completion.ts')).completion,
  },
]
