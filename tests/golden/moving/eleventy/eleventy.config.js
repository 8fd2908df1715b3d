import { feedPlugin } from "@11ty/eleventy-plugin-rss";

export default function (eleventyConfig) {
  eleventyConfig.addCollection("posts", (api) => api.getFilteredByGlob("content/blog/**/*.md"));
  eleventyConfig.addPlugin(feedPlugin, {
    type: "atom",
    outputPath: "/feed/feed.xml",
    collection: { name: "posts", limit: 3 },
    metadata: {
      language: "en",
      title: "Workshop",
      subtitle: "Wood, mostly",
      base: "https://eleventy.blog.test/",
      author: { name: "Alex Bench" },
    },
  });
  return { dir: { input: "content", output: "_site", data: "../_data" } };
}
