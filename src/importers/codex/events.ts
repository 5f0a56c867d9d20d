/**
 * What becomes of `event_msg` records, which are what Codex tells its user interface.
 *
 * Everything in this file is pure.
 */

/** Why records of these types are left out. Those that are nowhere named are kept as events. */
export const DROPPED: ReadonlyMap<string, string> = new Map([
  ...[
    'exec_command_begin',
    'exec_command_output_delta',
    'exec_command_end',
    'mcp_tool_call_begin',
    'mcp_tool_call_end',
    'patch_apply_begin',
    'patch_apply_end',
    'web_search_begin',
    'web_search_end',
    'image_generation_begin',
    'image_generation_end',
    'view_image_tool_call',
    'dynamic_tool_call_request',
    'dynamic_tool_call_response',
  ].map((type) => [type, 'how a tool ran, for the user interface; its call and result are kept'] as const),
  ...['item_started', 'item_completed', 'raw_response_item'].map(
    (type) => [type, 'an item for the user interface; what the model saw of it is kept'] as const,
  ),
  ...[
    'agent_message_delta',
    'agent_reasoning_delta',
    'agent_reasoning_raw_content_delta',
    'agent_reasoning_section_break',
  ].map((type) => [type, 'a piece of an item that is kept'] as const),
  ['codex/event/raw_item', 'how far an answer is'],
  ['context_compacted', 'says that a compaction was made; the compaction is kept'],
  ['account/rateLimits/updated', 'limits of the account, not of the session'],
])

/** Events that say again, for the user interface, what an item says: where the text is. */
export const MIRRORS: ReadonlyMap<string, string> = new Map([
  ['user_message', 'message'],
  ['agent_message', 'message'],
  ['agent_reasoning', 'text'],
  ['agent_reasoning_raw_content', 'text'],
])

export const MIRRORED = 'says again, for the user interface, what an item says that is kept'
export const NO_USAGE = 'says only how much of the limits is left'
export const SAME_USAGE = 'repeats the total of the one before'
export const SAME_CONTEXT = 'says the same as the one before'
export const IN_USAGE = 'became the usage of a message'
export const OF_TURN = 'names the turn that the record is of'

/** What Codex puts into the conversation by itself, as if the user had said it. */
const INJECTED =
  /^\s*(?:<(?:environment_context|user_instructions|permissions instructions|collaboration_mode|turn_aborted|subagent_notification|skill|user_shell_command|model_switch)>|# AGENTS\.md instructions )/

export function isInjected(text: string): boolean {
  return INJECTED.test(text)
}
