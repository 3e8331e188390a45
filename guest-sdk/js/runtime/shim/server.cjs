// `shim.server(chaincode, options).start()`: the component is what the peer calls, whatever the address.
const { serve } = require("./handler.js");

module.exports = class ChaincodeServer {
  constructor(chaincode) {
    if (typeof chaincode !== "object" || chaincode === null) {
      throw new Error("Missing required argument: chaincode");
    }
    for (const method of ["Init", "Invoke"]) {
      if (typeof chaincode[method] !== "function") {
        throw new Error(`The "chaincode" argument must implement the "${method}()" method`);
      }
    }
    this.chaincode = chaincode;
  }
  async start() {
    serve(this.chaincode);
  }
};
