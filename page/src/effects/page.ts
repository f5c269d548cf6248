/** By what the server knows this page among others of the same visitor: of each only the newest request counts. */
export const PAGE = crypto.getRandomValues(new Uint32Array(2)).join("-");
