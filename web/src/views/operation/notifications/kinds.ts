import type { Target } from '../../../api/notifications'

/** Field is something that a type of target is told by. */
export interface Field {
  name: 'url' | 'secret' | 'headers' | 'template' | 'project' | 'issueType' | 'to' | 'from' | 'server' | 'user' | 'tls'
  label: string
  hint: string
  /** It is written and never shown. */
  secret?: boolean
  optional?: boolean
}

export interface Kind {
  type: string
  title: string
  about: string
  fields: Field[]
}

const headers: Field = { name: 'headers', label: 'Headers', hint: 'One a line, as Name: value. A key goes into a secret: X-Key: secret:NAME. Where it may go says --outbound-secret at the start, or an administrator.', optional: true }

/** kinds are the types of targets, each with what it has to be told. */
export const kinds: Kind[] = [
  { type: 'slack', title: 'Slack', about: 'a channel', fields: [{ name: 'url', label: 'Webhook URL', hint: 'Of Slack’s app “Incoming Webhooks”. Whoever has it may post.', secret: true }] },
  { type: 'teams', title: 'Microsoft Teams', about: 'a channel', fields: [{ name: 'url', label: 'Webhook URL', hint: 'Of a workflow that posts when a request comes in. Whoever has it may post.', secret: true }] },
  { type: 'email', title: 'E-mail', about: 'addresses, by your server', fields: [
    { name: 'to', label: 'To', hint: 'Addresses, with commas between.' }, { name: 'from', label: 'From', hint: 'The address that mails come from.' },
    { name: 'server', label: 'SMTP server', hint: 'As host:port, such as smtp.example.org:587.' }, { name: 'tls', label: 'Encryption', hint: '' },
    { name: 'user', label: 'User', hint: 'If the server wants one.', optional: true }, { name: 'secret', label: 'Password', hint: '', secret: true, optional: true },
  ] },
  { type: 'pagerduty', title: 'PagerDuty', about: 'alerts that resolve', fields: [
    { name: 'secret', label: 'Routing key', hint: 'Of an integration “Events API v2”.', secret: true }, { name: 'url', label: 'URL', hint: 'Left out: PagerDuty’s own.', optional: true },
  ] },
  { type: 'opsgenie', title: 'Opsgenie', about: 'alerts that resolve', fields: [
    { name: 'secret', label: 'API key', hint: 'Of an integration “API”.', secret: true }, { name: 'url', label: 'URL', hint: 'Left out: Opsgenie’s own.', optional: true },
  ] },
  { type: 'jira', title: 'Jira', about: 'issues', fields: [
    { name: 'url', label: 'URL', hint: 'Such as https://example.atlassian.net.' }, { name: 'secret', label: 'Mail and token', hint: 'As mail@example.org:TOKEN.', secret: true },
    { name: 'project', label: 'Project', hint: 'Its key, such as SEC.' }, { name: 'issueType', label: 'Type of issue', hint: 'Left out: Task.', optional: true },
  ] },
  { type: 'alertmanager', title: 'Alertmanager', about: 'alerts that resolve', fields: [{ name: 'url', label: 'URL', hint: 'Such as http://alertmanager:9093. A private address needs --outbound-private at the start.' }, headers] },
  { type: 'webhook', title: 'Webhook', about: 'anything that takes JSON', fields: [
    { name: 'url', label: 'URL', hint: 'A private address needs --outbound-private at the start.' },
    { name: 'secret', label: 'Signing secret', hint: 'Signs the body: Nightjar-Signature has its HMAC-SHA-256.', secret: true, optional: true }, headers,
    { name: 'template', label: 'Template', hint: 'JSON in whose strings {{title}}, {{severity}}, {{message}}, {{signal_id}}, {{rule_name}}, {{group}} and {{url}} stand for what they name. Left out: nightjar’s own.', optional: true },
  ] },
]

export const kindOf = (type: string): Kind | undefined => kinds.find((k) => k.type === type)

/** told is what may be told beside openings. */
export const told = [['changed', 'a change of severity'], ['archived', 'archiving'], ['responded', 'a response']] as const

export const newTarget = (type: string): Target => ({
  id: '', version: 0, handle: '', name: '', type, enabled: true, on: [], url: '', secret: '', headers: {}, template: '', project: '', issueType: '',
  to: [], from: '', server: '', user: '', tls: type === 'email' ? 'starttls' : '',
})

/** textOf is what a field of a target has, as it is typed; nothing of a secret. */
export function textOf(t: Target, f: Field): string {
  if (f.secret) return ''
  if (f.name === 'headers') return Object.entries(t.headers).map(([name, value]) => `${name}: ${value}`).join('\n')
  return f.name === 'to' ? t.to.join(', ') : t[f.name]
}

/** withText is the target with what was typed; a secret of which nothing was typed stays. */
export function withText(t: Target, f: Field, text: string): Target {
  if (f.secret && text === '') return t
  switch (f.name) {
    case 'headers': {
      const lines = text.split('\n').map((l) => l.trim()).filter((l) => l !== '')
      return { ...t, headers: Object.fromEntries(lines.map((l) => [l.split(':', 1)[0]?.trim() ?? '', l.slice(l.indexOf(':') + 1).trim()])) }
    }
    case 'to': return { ...t, to: text.split(/[\s,;]+/).filter((a) => a !== '') }
    default: return { ...t, [f.name]: f.name === 'template' ? text : text.trim() }
  }
}
