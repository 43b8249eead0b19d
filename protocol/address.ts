/** A path of the server, beside whatever a port forwarder has put before it (`http://host/proxy/8123`). @param server with or without a slash at its end */
export function addressAt(server: string, path: string): URL {
  return new URL(server.replace(/\/$/, "") + path);
}
