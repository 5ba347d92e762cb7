/** Version of this server, and of the API that it speaks. */
export const serverVersion = "0.4.0";
export const apiVersion = "0.4.0";
