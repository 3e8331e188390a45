// Implements `shim.server(chaincode, options).start()`: the peer calls the component, so the address is ignored.
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
