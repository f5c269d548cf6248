import { expect, test } from "vitest";
import { inChinese } from "./said";

test("sentences are known, with what is filled in", () => {
  expect(inChinese("There is no such job.")).toBe("没有这项任务。");
  expect(inChinese("`size` asks for 9000 pixels, and 4096 are the most here.")).toBe(
    "所要的尺寸是 9000 像素，这里最多 4096 像素。",
  );
});

test("and those within others", () => {
  expect(inChinese("The picture a (1).png cannot be used: it is empty: the file has no bytes in it.")).toBe(
    "图片 a (1).png 无法使用：文件是空的。",
  );
  expect(inChinese("The picture cannot be used: something new.")).toBe("图片无法使用：something new.");
});

test("what is no picture is named by its kind", () => {
  expect(
    inChinese(
      "The picture cannot be used: it is a camera's raw file (Canon CR2): develop it to TIFF or JPEG first, " +
        "with the camera's own program, darktable or RawTherapee.",
    ),
  ).toBe(
    "图片无法使用：这是相机的 RAW 文件（Canon CR2）：请先用相机自带的程序、darktable 或 RawTherapee 冲洗成 TIFF 或 JPEG。",
  );
  expect(
    inChinese(
      "The picture cannot be decoded, it is a damaged PNG (512 bytes): " +
        "get it anew, or save it again as PNG, TIFF, JPEG, WebP or AVIF.",
    ),
  ).toBe("图片无法解码：PNG 文件已损坏（512 字节）。请重新取得，或另存为 PNG、TIFF、JPEG、WebP 或 AVIF。");
});

test("what is not known is told as it is", () => {
  expect(inChinese("$1 (.*)? [a] Something else.")).toBe("$1 (.*)? [a] Something else.");
  expect(inChinese("")).toBe("");
});
