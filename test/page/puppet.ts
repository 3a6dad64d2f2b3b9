import {
  ActionRowBuilder,
  ApplicationCommandType,
  AttachmentBuilder,
  ButtonBuilder,
  ButtonStyle,
  Client,
  ContainerBuilder,
  ContextMenuCommandBuilder,
  Events,
  FileBuilder,
  LabelBuilder,
  MediaGalleryBuilder,
  MessageFlags,
  ModalBuilder,
  Routes,
  SlashCommandBuilder,
  StringSelectMenuBuilder,
  TextDisplayBuilder,
  TextInputBuilder,
  TextInputStyle,
  FileUploadBuilder,
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  type Interaction,
} from 'discord.js';
import sharp from 'sharp';
import type { LocalDiscord } from '../../src/playground/discord/server.ts';
import { drawSound } from '../../src/playground/drawing/sound.ts';
import { writeWebm } from '../../src/playground/drawing/webm.ts';

/** What a hostile person or bot might write: none of it may become markup, script or a request. */
const hostile = [
  '<img src=x onerror="window.harmed=1"> <script>window.harmed=1</script>',
  '[click](javascript:window.harmed=1) <javascript:window.harmed=1>',
  '[site](https://example.com/"onmouseover="window.harmed=1) ![pixel](https://tracker.invalid/p.png)',
  '`'.repeat(300) + '*_'.repeat(300) + '|'.repeat(301),
].join('\n');

const commands = [
  new SlashCommandBuilder()
    .setName('character')
    .setDescription('Put your character into new scenes')
    .addStringOption((option) =>
      option.setName('prompt').setDescription('What happens').setRequired(true).setMaxLength(200),
    )
    .addAttachmentOption((option) => option.setName('character').setDescription('A picture').setRequired(true))
    .addAttachmentOption((option) => option.setName('pose').setDescription('A pose sheet'))
    .addIntegerOption((option) =>
      option.setName('upscale').setDescription('How much larger').setMinValue(1).setMaxValue(4),
    )
    .addStringOption((option) => option.setName('style').setDescription('The style').setAutocomplete(true))
    .addBooleanOption((option) => option.setName('private').setDescription('Only you see it')),
  new SlashCommandBuilder().setName('film').setDescription('Shows a film and plays a sound'),
  new SlashCommandBuilder().setName('hostile').setDescription('Says hostile things'),
  new SlashCommandBuilder().setName('secret').setDescription('Answers only you'),
  new SlashCommandBuilder().setName('silent').setDescription('Never answers'),
  new ContextMenuCommandBuilder().setName('Quote').setType(ApplicationCommandType.Message),
];

/** A small real bot with everything that the page has to show; it notes what it was given. */
export async function startPuppet({ api, token, applicationId }: LocalDiscord) {
  const client = new Client({ intents: [], rest: { api } });
  const notes: string[] = [];
  const errors: unknown[] = [];
  /** lets a command that has been deferred go on */
  const gates: (() => void)[] = [];
  const pictures = await Promise.all(['#c33', '#3c3', '#33c', '#cc3'].map(picture));

  async function character(interaction: ChatInputCommandInteraction): Promise<void> {
    await interaction.deferReply();
    const { options } = interaction;
    const file = options.getAttachment('character', true);
    const answers = [file.name, options.getAttachment('pose')?.name, options.getInteger('upscale')];
    notes.push([options.getString('prompt'), ...answers, options.getString('style')].join(' | '));
    await interaction.editReply({
      flags: MessageFlags.IsComponentsV2,
      components: [new ContainerBuilder().addTextDisplayComponents(text('### Waiting\n-# place 1 in line'))],
    });
    await new Promise<void>((resolve) => gates.push(resolve));
    const gallery = new MediaGalleryBuilder().addItems(
      pictures.map((_, at) => ({ media: { url: `attachment://scene${at + 1}.png` }, description: `Scene ${at + 1}` })),
    );
    const container = new ContainerBuilder()
      .setAccentColor(0x23a55a)
      .addTextDisplayComponents(text('### Done\n**four** scenes'))
      .addMediaGalleryComponents(gallery)
      .addActionRowComponents(buttons())
      .addActionRowComponents(
        new ActionRowBuilder<StringSelectMenuBuilder>().addComponents(
          new StringSelectMenuBuilder()
            .setCustomId('scene')
            .setPlaceholder('Choose a scene')
            .addOptions({ label: 'Scene 1', value: 'one' }, { label: 'Scene 2', value: 'two', description: 'rainy' }),
        ),
      );
    await interaction.editReply({
      components: [container],
      files: pictures.map((bytes, at) => new AttachmentBuilder(bytes, { name: `scene${at + 1}.png` })),
    });
  }

  async function film(interaction: ChatInputCommandInteraction): Promise<void> {
    const items = ['walk.webm', 'still.png'].map((name) => ({
      media: { url: `attachment://${name}` },
      description: name === 'still.png' ? 'A still' : 'A walk',
    }));
    const container = new ContainerBuilder()
      .addMediaGalleryComponents(new MediaGalleryBuilder().addItems(items))
      .addFileComponents(new FileBuilder().setURL('attachment://hum.wav'));
    const [still = Buffer.alloc(0)] = pictures;
    const files = { 'walk.webm': await shortFilm(), 'still.png': still, 'hum.wav': drawSound(1) };
    await interaction.reply({
      flags: MessageFlags.IsComponentsV2,
      components: [container],
      files: Object.entries(files).map(([name, bytes]) => new AttachmentBuilder(bytes, { name })),
    });
  }

  function buttons() {
    return new ActionRowBuilder<ButtonBuilder>().addComponents(
      new ButtonBuilder().setCustomId('report').setLabel('Report').setStyle(ButtonStyle.Danger),
      new ButtonBuilder().setCustomId('slow').setLabel('Slow').setStyle(ButtonStyle.Primary),
      new ButtonBuilder().setCustomId('off').setLabel('Off').setStyle(ButtonStyle.Secondary).setDisabled(true),
    );
  }

  async function button(interaction: ButtonInteraction): Promise<void> {
    if (interaction.customId === 'slow') {
      await new Promise<void>((resolve) => gates.push(resolve));
      await interaction.deferUpdate();
      return;
    }
    const modal = new ModalBuilder()
      .setCustomId('report')
      .setTitle('Report a picture')
      .addLabelComponents(
        new LabelBuilder()
          .setLabel('What is wrong')
          .setTextInputComponent(new TextInputBuilder().setCustomId('why').setStyle(TextInputStyle.Paragraph)),
        new LabelBuilder()
          .setLabel('Proof')
          .setFileUploadComponent(new FileUploadBuilder().setCustomId('proof').setRequired(false)),
      );
    await interaction.showModal(modal);
  }

  async function answer(interaction: Interaction): Promise<void> {
    if (interaction.isAutocomplete()) {
      const typed = interaction.options.getFocused();
      const upscale = interaction.options.getInteger('upscale') ?? 1;
      await interaction.respond([{ name: `${typed}colour ×${upscale}`, value: `${typed}colour` }]);
    } else if (interaction.isButton()) await button(interaction);
    else if (interaction.isStringSelectMenu()) {
      await interaction.reply({ content: `Chosen: ${interaction.values.join()}`, flags: MessageFlags.Ephemeral });
    } else if (interaction.isModalSubmit()) {
      const files = interaction.fields.getUploadedFiles('proof');
      await interaction.reply(`Reported: ${interaction.fields.getTextInputValue('why')} (${files?.size ?? 0} files)`);
    } else if (interaction.isMessageContextMenuCommand()) {
      await interaction.reply(`> ${interaction.targetMessage.content}`);
    } else if (interaction.isChatInputCommand()) {
      if (interaction.commandName === 'character') await character(interaction);
      if (interaction.commandName === 'film') await film(interaction);
      if (interaction.commandName === 'hostile') await interaction.reply(hostile);
      if (interaction.commandName === 'secret') {
        await interaction.reply({ content: 'for your eyes', flags: MessageFlags.Ephemeral });
      }
    }
  }

  client.on('error', (error) => errors.push(error));
  client.on(Events.InteractionCreate, (interaction) => {
    answer(interaction).catch((error: unknown) => errors.push(error));
  });
  const ready = new Promise((resolve) => {
    client.once(Events.ClientReady, resolve);
  });
  await client.login(token);
  await ready;
  await client.rest.put(Routes.applicationCommands(applicationId), { body: commands.map((each) => each.toJSON()) });

  return {
    notes,
    errors,
    /** Lets everything that waits go on. */
    goOn() {
      for (const open of gates.splice(0)) open();
    },
    close: () => client.destroy(),
  };
}

function text(content: string): TextDisplayBuilder {
  return new TextDisplayBuilder().setContent(content);
}

export function picture(background: string): Promise<Buffer> {
  return sharp({ create: { width: 320, height: 240, channels: 3, background } })
    .png()
    .toBuffer();
}

/** Two seconds, 64 by 48: red, then blue. */
export async function shortFilm(): Promise<Buffer> {
  const frames = await Promise.all(
    ['red', 'blue'].map((background) =>
      sharp({ create: { width: 64, height: 48, channels: 3, background } })
        .webp()
        .toBuffer(),
    ),
  );
  return writeWebm({ width: 64, height: 48, rate: 1, frames });
}
