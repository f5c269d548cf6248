// Opened as a file, a page may start no worker: the search then runs in a frame, with a worker's manners.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #frame = document.createElement("iframe");
    #early = [];

    constructor(url) {
      super();
      this.#frame.hidden = true;
      this.#frame.onload = () => this.#start(new URL(url, location.href).href);
      document.body.append(this.#frame);
    }

    #start(url) {
      const inside = this.#frame.contentWindow;
      inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const script = inside.document.createElement("script");
      script.src = url;
      script.onload = () => {
        this.postMessage = (data) => inside.dispatchEvent(new inside.MessageEvent("message", { data }));
        this.#early.splice(0).forEach(this.postMessage);
      };
      inside.document.head.append(script);
    }

    postMessage(data) {
      this.#early.push(data);
    }
  };
}
