// Package rest serves HTTP: the services by grpc-gateway, the doors of protocols that
// read their bodies themselves, uploads, /openapi.json, its page at /api/reference and the health of
// the engine. Start at New and Handler.handler, which finds who answers a request.
//
// Who may come in is found out in admission.go, for the gateway and for doors alike. It
// knows no service: they register themselves by Deps.Register.
package rest
