// An OpenID Connect provider on loopback, which says what it is told to.
import { createHash, createSign, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'

const base64 = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** startProvider serves it: code flow with PKCE, tokens signed with RS256. What it claims, and whether it refuses, may be changed. */
export async function startProvider(client = 'nightjar') {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const p = { claims: {}, refuses: '', asked: undefined, signIns: 0, page: '' }
  const server = createServer((request, response) => {
    const url = new URL(request.url, p.url)
    const json = (status, body) => (response.writeHead(status, { 'Content-Type': 'application/json' }), response.end(JSON.stringify(body)))
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(200, { issuer: p.url, authorization_endpoint: p.url + '/authorize', token_endpoint: p.url + '/token', jwks_uri: p.url + '/keys', id_token_signing_alg_values_supported: ['RS256'], response_types_supported: ['code'], subject_types_supported: ['public'] })
      case '/keys':
        return json(200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1', alg: 'RS256', use: 'sig' }] })
      case '/authorize': {
        p.asked = url.searchParams
        p.signIns++
        const back = new URL(p.asked.get('redirect_uri'))
        back.searchParams.set('state', p.asked.get('state'))
        if (p.refuses === '') back.searchParams.set('code', 'the code')
        else back.searchParams.set('error', p.refuses)
        response.writeHead(302, { Location: back.href })
        return response.end()
      }
      case '/token': {
        let body = ''
        request.on('data', (part) => (body += part))
        return request.on('end', () => {
          const form = new URLSearchParams(body)
          const proven = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') === p.asked.get('code_challenge')
          if (!proven || form.get('code') !== 'the code') return json(400, { error: 'invalid_grant' })
          const now = Math.floor(Date.now() / 1000)
          const claims = { iss: p.url, aud: client, sub: '7', iat: now, exp: now + 60, nonce: p.asked.get('nonce'), preferred_username: 'ann@example.org', groups: ['staff', 'soc'], ...p.claims }
          const text = `${base64({ alg: 'RS256', kid: '1' })}.${base64(claims)}`
          return json(200, { access_token: 'x', token_type: 'Bearer', id_token: `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey, 'base64url')}` })
        })
      }
      case '/page': // of somebody else, who would like to do something here
        response.writeHead(200, { 'Content-Type': 'text/html' })
        return response.end(p.page)
      default:
        response.writeHead(404)
        return response.end()
    }
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  p.url = `http://127.0.0.1:${server.address().port}`
  p.stop = () => new Promise((done) => (server.closeAllConnections(), server.close(done)))
  return p
}
